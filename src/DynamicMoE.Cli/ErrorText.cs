namespace DynamicMoE.Cli;

/// <summary>Turns an exception into one line.</summary>
internal static class ErrorText
{
    /// <summary>The message without line breaks; errors that nobody foresaw keep their type's name, which a bug report needs.</summary>
    public static string Of(Exception error)
    {
        string text = string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return Foreseen(error) ? text : $"{error.GetType().Name}: {text}";
    }

    private static bool Foreseen(Exception error) => error
        is ToolException
        or DynamicMoEException
        or PlatformNotSupportedException
        or IOException
        or UnauthorizedAccessException
        or InvalidDataException;
}
