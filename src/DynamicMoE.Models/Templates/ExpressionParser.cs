using System.Globalization;

namespace DynamicMoE.Models;

/// <summary>Parses expressions, with Jinja's precedence.</summary>
internal sealed class ExpressionParser(TokenCursor tokens)
{
    private const int MaxDepth = 50;

    private static readonly string[] Comparisons = ["==", "!=", "<=", ">=", "<", ">"];

    private int _depth;

    /// <summary>Any expression, <c>a if b else c</c> included.</summary>
    public Evaluate Expression()
    {
        if (++_depth > MaxDepth)
        {
            throw tokens.Refuse($"expressions are nested more than {MaxDepth} deep");
        }

        Evaluate value = WithoutCondition();
        while (tokens.TakeName("if"))
        {
            (Evaluate then, Evaluate condition) = (value, WithoutCondition());
            Evaluate otherwise = tokens.TakeName("else") ? Expression() : static _ => new Undefined("else");
            value = scope => TemplateValues.IsTrue(condition(scope)) ? then(scope) : otherwise(scope);
        }

        _depth--;
        return value;
    }

    /// <summary>An expression that ends before an <c>if</c>.</summary>
    public Evaluate WithoutCondition()
    {
        Evaluate left = And();
        while (tokens.TakeName("or"))
        {
            (Evaluate first, Evaluate second) = (left, And());
            left = scope => first(scope) is var value && TemplateValues.IsTrue(value) ? value : second(scope);
        }

        return left;
    }

    /// <summary>Names of a loop.</summary>
    public string[] Targets()
    {
        bool parenthesis = tokens.TakeOperator("(");
        var names = new List<string> { tokens.Name() };
        while (tokens.TakeOperator(","))
        {
            names.Add(tokens.Name());
        }

        if (parenthesis)
        {
            tokens.NeedOperator(")");
        }

        return [.. names];
    }

    private Evaluate And()
    {
        Evaluate left = Not();
        while (tokens.TakeName("and"))
        {
            (Evaluate first, Evaluate second) = (left, Not());
            left = scope => first(scope) is var value && !TemplateValues.IsTrue(value) ? value : second(scope);
        }

        return left;
    }

    private Evaluate Not()
    {
        int negations = 0;
        while (tokens.TakeName("not"))
        {
            negations++;
        }

        Evaluate value = Comparison();
        return negations == 0 ? value : scope => TemplateValues.IsTrue(value(scope)) == (negations % 2 == 0);
    }

    private Evaluate Comparison()
    {
        Evaluate left = Sum();
        Evaluate result = left;
        bool chained = false;
        while (ComparisonName() is { } name)
        {
            (Evaluate first, Evaluate second) = (left, Sum());
            Evaluate compare = scope =>
            {
                scope.Limits.Step();
                return TemplateOperators.Compare(name, first(scope), second(scope));
            };
            Evaluate before = result;
            result = chained ? scope => TemplateValues.IsTrue(before(scope)) ? compare(scope) : false : compare;
            (left, chained) = (second, true);
        }

        return result;
    }

    private string? ComparisonName()
    {
        if (tokens.Current.Kind == TokenKind.Operator && Comparisons.Contains(tokens.Current.Value))
        {
            string name = tokens.Current.Value;
            tokens.Next();
            return name;
        }

        if (tokens.IsName("not") && tokens.Peek(1) is { Kind: TokenKind.Name, Value: "in" })
        {
            tokens.Next();
            tokens.Next();
            return "not in";
        }

        return tokens.TakeName("in") ? "in" : null;
    }

    private Evaluate Sum() => Binary(Concatenation, "+", "-");

    private Evaluate Concatenation() => Binary(Product, "~");

    private Evaluate Product() => Binary(Unary, "*", "/", "//", "%");

    private Evaluate Binary(Func<Evaluate> next, params string[] operators)
    {
        Evaluate left = next();
        while (tokens.Current.Kind == TokenKind.Operator && operators.Contains(tokens.Current.Value))
        {
            string name = tokens.Current.Value;
            tokens.Next();
            (Evaluate first, Evaluate second) = (left, next());
            left = scope =>
            {
                scope.Limits.Step();
                return TemplateOperators.Apply(name, first(scope), second(scope));
            };
        }

        return left;
    }

    private Evaluate Unary()
    {
        if (tokens.TakeOperator("-"))
        {
            Evaluate value = Operand();
            return new PostfixParser(tokens, this).Filters(scope => TemplateOperators.Apply("-", 0L, value(scope)));
        }

        _ = tokens.TakeOperator("+");
        return new PostfixParser(tokens, this).Filters(Operand());
    }

    private Evaluate Operand() => new PostfixParser(tokens, this).Accesses(Primary());

    private Evaluate Primary()
    {
        TemplateToken token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Literal:
                return Literals();
            case TokenKind.Integer:
                tokens.Next();
                return Constant(long.TryParse(token.Value, CultureInfo.InvariantCulture, out long integer) ? integer : throw tokens.Refuse("the number is too large"));
            case TokenKind.Number:
                tokens.Next();
                return Constant(double.Parse(token.Value, CultureInfo.InvariantCulture));
            case TokenKind.Name:
                tokens.Next();
                return token.Value switch
                {
                    "true" or "True" => Constant(true),
                    "false" or "False" => Constant(false),
                    "none" or "None" => Constant(null),
                    _ => scope => scope[token.Value],
                };
        }

        if (tokens.TakeOperator("("))
        {
            return Parenthesis();
        }

        if (tokens.TakeOperator("["))
        {
            return List("]");
        }

        return tokens.TakeOperator("{") ? Dictionary() : throw tokens.Refuse("an expression is needed");
    }

    // Texts that follow one another are one.
    private Evaluate Literals()
    {
        string text = "";
        while (tokens.Current.Kind == TokenKind.Literal)
        {
            text += tokens.Current.Value;
            tokens.Next();
        }

        return Constant(text);
    }

    private Evaluate Parenthesis()
    {
        if (tokens.IsOperator(")"))
        {
            return List(")");
        }

        Evaluate first = Expression();
        if (tokens.TakeOperator(")"))
        {
            return first;
        }

        tokens.NeedOperator(",");
        Evaluate rest = List(")");
        return scope => new List<object?> { first(scope) }.Concat((List<object?>)rest(scope)!).ToList();
    }

    private Evaluate List(string close)
    {
        var items = new List<Evaluate>();
        while (!tokens.TakeOperator(close))
        {
            items.Add(Expression());
            if (!tokens.IsOperator(close))
            {
                tokens.NeedOperator(",");
            }
        }

        return scope => items.ConvertAll(item => item(scope));
    }

    private Evaluate Dictionary()
    {
        var items = new List<(Evaluate Key, Evaluate Value)>();
        while (!tokens.TakeOperator("}"))
        {
            Evaluate key = Expression();
            tokens.NeedOperator(":");
            items.Add((key, Expression()));
            if (!tokens.IsOperator("}"))
            {
                tokens.NeedOperator(",");
            }
        }

        return scope =>
        {
            var result = new Dictionary<string, object?>(StringComparer.Ordinal);
            foreach ((Evaluate key, Evaluate value) in items)
            {
                result[TemplateValues.Text(key(scope))] = value(scope);
            }

            return result;
        };
    }

    private static Evaluate Constant(object? value) => _ => value;
}
