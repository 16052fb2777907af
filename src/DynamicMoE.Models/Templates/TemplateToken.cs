namespace DynamicMoE.Models;

/// <summary>What a token is.</summary>
internal enum TokenKind
{
    Text,
    OutputBegin,
    OutputEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Literal,
    Integer,
    Number,
    Operator,
    End,
}

/// <summary>A token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text; of a quoted text what it means.</param>
/// <param name="Line">Its line, from 1.</param>
internal readonly record struct TemplateToken(TokenKind Kind, string Value, int Line);
