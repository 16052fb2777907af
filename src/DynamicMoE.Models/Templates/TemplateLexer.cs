using System.Text;

namespace DynamicMoE.Models;

/// <summary>Splits a Jinja template into tokens, with the white space rules that checkpoints are written for: the line end behind a block is dropped, and so are blanks
/// between the begin of a line and a block (<c>trim_blocks</c>, <c>lstrip_blocks</c>); <c>-</c> drops all white space on its side, <c>+</c> none.</summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators = ["==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "|"];

    private readonly List<TemplateToken> _tokens = [];
    private readonly string _source;
    private int _position;
    private int _line = 1;

    private TemplateLexer(string source) => _source = source;

    /// <summary>All tokens, with <see cref="TokenKind.End"/> at the end.</summary>
    public static List<TemplateToken> Read(string source)
    {
        // One line end at the end of the file belongs to the file, not to the template.
        string text = source.ReplaceLineEndings("\n");
        var lexer = new TemplateLexer(text.EndsWith('\n') ? text[..^1] : text);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        bool trimStart = false, trimLine = false;
        while (_position < _source.Length)
        {
            int open = NextOpening();
            ReadText(open, trimStart, trimLine);
            if (open == _source.Length)
            {
                break;
            }

            char kind = _source[open + 1];
            int line = _line;
            _position = open + 2;
            if (_position < _source.Length && _source[_position] is '-' or '+')
            {
                _position++;
            }

            if (kind == '#')
            {
                SkipComment(line);
            }
            else
            {
                Add(kind == '{' ? TokenKind.OutputBegin : TokenKind.BlockBegin, "", line);
                ReadCode(kind == '{' ? "}}" : "%}", line);
                Add(kind == '{' ? TokenKind.OutputEnd : TokenKind.BlockEnd, "", _line);
            }

            char sign = _source[_position - 3];
            trimStart = sign == '-';
            trimLine = kind != '{' && sign != '+';
        }

        Add(TokenKind.End, "", _line);
    }

    private int NextOpening()
    {
        for (int i = _position; i + 1 < _source.Length; i++)
        {
            if (_source[i] == '{' && _source[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return _source.Length;
    }

    private void ReadText(int end, bool trimStart, bool trimLine)
    {
        ReadOnlySpan<char> text = _source.AsSpan(_position, end - _position);
        int lines = text.Count('\n');
        if (trimStart)
        {
            text = text.TrimStart();
        }
        else if (trimLine && text.StartsWith("\n"))
        {
            text = text[1..];
        }

        char sign = end + 2 < _source.Length ? _source[end + 2] : ' ';
        if (end < _source.Length && sign == '-')
        {
            text = text.TrimEnd();
        }
        else if (end < _source.Length && sign != '+' && _source[end + 1] != '{')
        {
            text = WithoutIndentation(text);
        }

        if (text.Length > 0)
        {
            Add(TokenKind.Text, text.ToString(), _line);
        }

        _line += lines;
        _position = end;
    }

    // Blanks before a block go when nothing else stands before it in its line. Where the text is blanks only, a line end that was dropped from it decides.
    private ReadOnlySpan<char> WithoutIndentation(ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> rest = text.TrimEnd(" \t");
        bool begins = rest.Length > 0 ? rest[^1] == '\n' : _position == 0 || _source[_position] == '\n';
        return begins ? rest : text;
    }

    private void SkipComment(int line)
    {
        int end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0)
        {
            throw TemplateException.At(line, "a comment does not end.");
        }

        _line += _source.AsSpan(_position, end - _position).Count('\n');
        _position = end + 2;
    }

    private void ReadCode(string close, int begin)
    {
        int depth = 0;
        while (true)
        {
            while (_position < _source.Length && char.IsWhiteSpace(_source[_position]))
            {
                _line += _source[_position++] == '\n' ? 1 : 0;
            }

            ReadOnlySpan<char> rest = _source.AsSpan(_position);
            if (rest.IsEmpty)
            {
                throw TemplateException.At(begin, $"what begins here is not ended by {close}.");
            }

            int sign = rest[0] is '-' or '+' ? 1 : 0;
            if (depth == 0 && rest[sign..].StartsWith(close))
            {
                _position += sign + 2;
                return;
            }

            ReadToken(rest);
            if (_tokens[^1].Kind == TokenKind.Operator)
            {
                depth += _tokens[^1].Value is "{" ? 1 : _tokens[^1].Value is "}" ? -1 : 0;
            }
        }
    }

    private void ReadToken(ReadOnlySpan<char> rest)
    {
        char first = rest[0];
        if (first is '"' or '\'')
        {
            ReadQuoted(first);
            return;
        }

        int length = 1;
        if (char.IsAsciiLetter(first) || first == '_')
        {
            while (length < rest.Length && (char.IsAsciiLetterOrDigit(rest[length]) || rest[length] == '_'))
            {
                length++;
            }

            Take(TokenKind.Name, length);
            return;
        }

        if (char.IsAsciiDigit(first))
        {
            bool point = false;
            while (length < rest.Length && (char.IsAsciiDigit(rest[length]) || (!point && rest[length] == '.' && length + 1 < rest.Length && char.IsAsciiDigit(rest[length + 1]))))
            {
                point |= rest[length++] == '.';
            }

            Take(point ? TokenKind.Number : TokenKind.Integer, length);
            return;
        }

        foreach (string name in Operators)
        {
            if (rest.StartsWith(name))
            {
                Take(TokenKind.Operator, name.Length);
                return;
            }
        }

        throw TemplateException.At(_line, $"{Printable.Quote(first.ToString())} is not understood.");
    }

    private void ReadQuoted(char quote)
    {
        int line = _line;
        var text = new StringBuilder();
        for (_position++; _position < _source.Length; _position++)
        {
            char c = _source[_position];
            if (c == quote)
            {
                _position++;
                Add(TokenKind.Literal, text.ToString(), line);
                return;
            }

            _line += c == '\n' ? 1 : 0;
            _ = c == '\\' && _position + 1 < _source.Length ? text.Append(Escape(_source[++_position])) : text.Append(c);
        }

        throw TemplateException.At(line, "a text is not ended.");
    }

    private string Escape(char c)
    {
        switch (c)
        {
            case 'n':
                return "\n";
            case 't':
                return "\t";
            case 'r':
                return "\r";
            case '\\' or '\'' or '"':
                return c.ToString();
            case 'u' or 'x':
                int digits = c == 'u' ? 4 : 2;
                if (_position + digits < _source.Length &&
                    ushort.TryParse(_source.AsSpan(_position + 1, digits), System.Globalization.NumberStyles.AllowHexSpecifier, null, out ushort code))
                {
                    _position += digits;
                    return ((char)code).ToString();
                }

                goto default;
            default:
                return $"\\{c}";
        }
    }

    private void Take(TokenKind kind, int length)
    {
        Add(kind, _source.Substring(_position, length), _line);
        _position += length;
    }

    private void Add(TokenKind kind, string value, int line) => _tokens.Add(new TemplateToken(kind, value, line));
}
