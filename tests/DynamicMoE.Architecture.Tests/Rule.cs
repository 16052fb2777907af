namespace DynamicMoE.Architecture.Tests;

/// <summary>Asserts that nothing breaks a rule, and names all that does, untruncated.</summary>
internal static class Rule
{
    public static void HasNoBreach<T>(IEnumerable<T> breaches)
    {
        string text = string.Join("\n  ", breaches);
        if (text.Length > 0)
            Assert.Fail("Broken by:\n  " + text);
    }
}
