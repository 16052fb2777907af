namespace DynamicMoE.Models;

/// <summary>Parses what stands behind an operand: fields, indices, calls, filters, tests.</summary>
internal sealed class PostfixParser(TokenCursor tokens, ExpressionParser expressions)
{
    /// <summary>Fields, indices and calls.</summary>
    public Evaluate Accesses(Evaluate value)
    {
        while (true)
        {
            if (tokens.TakeOperator("."))
            {
                value = Field(value);
            }
            else if (tokens.TakeOperator("["))
            {
                value = Index(value);
            }
            else if (tokens.TakeOperator("("))
            {
                (Evaluate function, Arguments arguments) = (value, CallArguments());
                value = scope =>
                {
                    scope.Limits.Step();
                    return function(scope) is Callable callable ? callable(arguments.Get(scope)) : throw new TemplateException("what is called is no function.");
                };
            }
            else
            {
                return value;
            }
        }
    }

    /// <summary>Filters and tests.</summary>
    public Evaluate Filters(Evaluate value)
    {
        while (true)
        {
            if (tokens.TakeOperator("|"))
            {
                value = Accesses(Filter(value));
            }
            else if (tokens.TakeName("is"))
            {
                value = Test(value);
            }
            else
            {
                return value;
            }
        }
    }

    private Evaluate Field(Evaluate value)
    {
        string name = tokens.Name();
        return scope => TemplateValues.Field(value(scope), name);
    }

    private Evaluate Index(Evaluate value)
    {
        Evaluate? first = tokens.IsOperator(":") ? null : expressions.Expression();
        if (!tokens.TakeOperator(":"))
        {
            tokens.NeedOperator("]");
            return scope => TemplateValues.Index(value(scope), first!(scope));
        }

        Evaluate? last = tokens.IsOperator("]") || tokens.IsOperator(":") ? null : expressions.Expression();
        Evaluate? step = tokens.TakeOperator(":") && !tokens.IsOperator("]") ? expressions.Expression() : null;
        tokens.NeedOperator("]");
        return scope => TemplateOperators.Slice(value(scope), first?.Invoke(scope), last?.Invoke(scope), step?.Invoke(scope));
    }

    private Evaluate Filter(Evaluate value)
    {
        string name = tokens.Name();
        TemplateFilter filter = TemplateFilters.Find(name) ?? throw tokens.Refuse($"filter {Printable.Quote(name)} is not supported");
        Arguments arguments = tokens.TakeOperator("(") ? CallArguments() : Arguments.None;
        return scope =>
        {
            scope.Limits.Step();
            return filter(value(scope), arguments.Get(scope));
        };
    }

    private Evaluate Test(Evaluate value)
    {
        bool negated = tokens.TakeName("not");
        string name = tokens.Current.Kind == TokenKind.Operator ? tokens.Take(TokenKind.Operator, "a test") : tokens.Name();
        Func<object?, object?, bool> test = TemplateTests.Find(name) ?? throw tokens.Refuse($"test {Printable.Quote(name)} is not supported");
        Evaluate? argument = null;
        if (tokens.TakeOperator("("))
        {
            argument = expressions.Expression();
            tokens.NeedOperator(")");
        }
        else if (TemplateTests.HasArgument(name))
        {
            argument = expressions.WithoutCondition();
        }

        return scope => test(value(scope), argument?.Invoke(scope)) != negated;
    }

    private Arguments CallArguments()
    {
        var values = new List<Evaluate>();
        var named = new List<(string Name, Evaluate Value)>();
        while (!tokens.TakeOperator(")"))
        {
            if (tokens.Current.Kind == TokenKind.Name && tokens.Peek(1) is { Kind: TokenKind.Operator, Value: "=" })
            {
                string name = tokens.Name();
                tokens.Next();
                named.Add((name, expressions.Expression()));
            }
            else
            {
                values.Add(expressions.Expression());
            }

            if (!tokens.IsOperator(")"))
            {
                tokens.NeedOperator(",");
            }
        }

        return new Arguments(values, named);
    }

    private sealed record Arguments(List<Evaluate> Values, List<(string Name, Evaluate Value)> Named)
    {
        public static Arguments None { get; } = new([], []);

        public CallArguments Get(TemplateScope scope) =>
            new(Values.ConvertAll(v => v(scope)), Named.ToDictionary(n => n.Name, n => n.Value(scope), StringComparer.Ordinal), scope.Limits);
    }
}
