namespace DynamicMoE.Models;

/// <summary>A place in the tokens of a template.</summary>
internal sealed class TokenCursor(List<TemplateToken> tokens)
{
    private int _place;

    public TemplateToken Current => tokens[_place];

    public TemplateToken Peek(int ahead) => tokens[Math.Min(_place + ahead, tokens.Count - 1)];

    public void Next() => _place = Math.Min(_place + 1, tokens.Count - 1);

    public TemplateException Refuse(string problem) => TemplateException.At(Current.Line, $"{problem} (at {Printable.Quote(Current.Value)}).");

    public string Take(TokenKind kind, string needed)
    {
        TemplateToken token = Current;
        if (token.Kind != kind)
        {
            throw Refuse($"{needed} is needed");
        }

        Next();
        return token.Value;
    }

    public string Name() => Take(TokenKind.Name, "a name");

    public bool IsName(string name) => Current.Kind == TokenKind.Name && Current.Value == name;

    public bool IsOperator(string name) => Current.Kind == TokenKind.Operator && Current.Value == name;

    public bool TakeName(string name)
    {
        bool found = IsName(name);
        if (found)
        {
            Next();
        }

        return found;
    }

    public bool TakeOperator(string name)
    {
        bool found = IsOperator(name);
        if (found)
        {
            Next();
        }

        return found;
    }

    public void NeedName(string name)
    {
        if (!TakeName(name))
        {
            throw Refuse($"{name} is needed");
        }
    }

    public void NeedOperator(string name)
    {
        if (!TakeOperator(name))
        {
            throw Refuse($"{name} is needed");
        }
    }
}
