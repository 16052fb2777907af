namespace DynamicMoE.ServiceLoad.Http;

/// <summary>The connection ended before the whole answer was there.</summary>
/// <param name="begun">Whether a part of the answer was there.</param>
/// <param name="reason">How the connection ended.</param>
internal sealed class LostAnswerException(bool begun, string reason) : Exception($"{(begun ? "cut answer" : "no answer")}: {reason}")
{
    public bool Begun => begun;
}
