using System.Text;

namespace DynamicMoE.Models;

/// <summary>Makes a statement of a whole template: text, output, for, if, set, break, continue, generation.</summary>
internal sealed class TemplateParser
{
    private const int MaxDepth = 50;

    private readonly TokenCursor _tokens;
    private readonly ExpressionParser _expressions;
    private int _depth;

    private TemplateParser(TokenCursor tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    /// <summary>Parses a template.</summary>
    /// <exception cref="TemplateException">It uses what is not supported, or breaks the grammar.</exception>
    public static Run Parse(string source)
    {
        var tokens = new TokenCursor(TemplateLexer.Read(source));
        var parser = new TemplateParser(tokens);
        Run body = parser.Body([]);
        return tokens.Current.Kind == TokenKind.End ? body : throw tokens.Refuse("it has no begin");
    }

    // Up to one of the names in a block, which stays current.
    private Run Body(string[] ends)
    {
        var statements = new List<Run>();
        while (_tokens.Current.Kind != TokenKind.End && !(_tokens.Current.Kind == TokenKind.BlockBegin && ends.Contains(_tokens.Peek(1).Value)))
        {
            if (Statement() is not { } statement)
            {
                break;
            }

            statements.Add(statement);
        }

        Run[] all = [.. statements];
        return scope =>
        {
            foreach (Run run in all)
            {
                scope.Limits.Step();
                if (run(scope) is var flow and not Flow.Next)
                {
                    return flow;
                }
            }

            return Flow.Next;
        };
    }

    private Run? Statement()
    {
        TemplateToken token = _tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Text:
                _tokens.Next();
                return scope =>
                {
                    scope.Write(token.Value);
                    return Flow.Next;
                };
            case TokenKind.OutputBegin:
                _tokens.Next();
                Evaluate value = _expressions.Expression();
                _tokens.Take(TokenKind.OutputEnd, "}}");
                return scope =>
                {
                    scope.Write(TemplateValues.Text(value(scope)));
                    return Flow.Next;
                };
            default:
                return Block();
        }
    }

    private Run? Block()
    {
        string name = _tokens.Peek(1).Value;
        if (name.StartsWith("end", StringComparison.Ordinal) || name is "else" or "elif")
        {
            return null;
        }

        if (++_depth > MaxDepth)
        {
            throw _tokens.Refuse($"blocks are nested more than {MaxDepth} deep");
        }

        _tokens.Next();
        _tokens.Next();
        Run run = name switch
        {
            "for" => For(),
            "if" => If(),
            "set" => Set(),
            "generation" => Generation(),
            "break" => Jump(Flow.Break),
            "continue" => Jump(Flow.Continue),
            _ => throw _tokens.Refuse($"block {Printable.Quote(name)} is not supported"),
        };
        _depth--;
        return run;
    }

    private Run Jump(Flow flow)
    {
        CloseBlock();
        return _ => flow;
    }

    private Run Generation()
    {
        CloseBlock();
        Run body = Body(["endgeneration"]);
        End("endgeneration");
        return body;
    }

    private Run If()
    {
        Evaluate condition = _expressions.Expression();
        CloseBlock();
        Run then = Body(["elif", "else", "endif"]);
        Run? otherwise = null;
        _tokens.Take(TokenKind.BlockBegin, "{%");
        if (_tokens.TakeName("elif"))
        {
            // The rest is an if of its own, which takes the endif.
            otherwise = If();
        }
        else if (_tokens.TakeName("else"))
        {
            CloseBlock();
            otherwise = Body(["endif"]);
            End("endif");
        }
        else
        {
            _tokens.NeedName("endif");
            CloseBlock();
        }

        return scope => TemplateValues.IsTrue(condition(scope)) ? then(scope) : otherwise?.Invoke(scope) ?? Flow.Next;
    }

    private Run For()
    {
        string[] names = _expressions.Targets();
        _tokens.NeedName("in");
        Evaluate list = _expressions.WithoutCondition();
        Evaluate? filter = _tokens.TakeName("if") ? _expressions.Expression() : null;
        CloseBlock();
        Run body = Body(["else", "endfor"]);
        Run? otherwise = null;
        if (_tokens.Peek(1).Value == "else")
        {
            _tokens.Next();
            _tokens.Next();
            CloseBlock();
            otherwise = Body(["endfor"]);
        }

        End("endfor");
        return new ForLoop(names, list, filter, body, otherwise).Run;
    }

    private Run Set()
    {
        string name = _tokens.Name();
        if (_tokens.TakeOperator("."))
        {
            string field = _tokens.Name();
            _tokens.NeedOperator("=");
            Evaluate value = _expressions.Expression();
            CloseBlock();
            return scope =>
            {
                var target = scope[name] as Namespace ?? throw new TemplateException($"{name} is no namespace.");
                target.Fields[field] = value(scope);
                return Flow.Next;
            };
        }

        if (_tokens.TakeOperator("="))
        {
            Evaluate value = _expressions.Expression();
            CloseBlock();
            return scope =>
            {
                scope[name] = value(scope);
                return Flow.Next;
            };
        }

        CloseBlock();
        Run body = Body(["endset"]);
        End("endset");
        return scope =>
        {
            var inner = new TemplateScope(scope, new StringBuilder());
            _ = body(inner);
            scope[name] = inner.Output.ToString();
            return Flow.Next;
        };
    }

    private void End(string name)
    {
        _tokens.Take(TokenKind.BlockBegin, "{%");
        _tokens.NeedName(name);
        CloseBlock();
    }

    private void CloseBlock() => _tokens.Take(TokenKind.BlockEnd, "%}");
}
