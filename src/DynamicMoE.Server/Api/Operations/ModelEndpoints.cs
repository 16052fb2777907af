using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>.</summary>
internal sealed class ModelEndpoints(IInferenceService service)
{
    public Task ListAsync(HttpContext context) =>
        JsonAnswer.SendAsync(context, new ModelList([ModelDocument.Of(service.Model)]), ApiJsonContext.Default.ModelList);

    public Task GetAsync(HttpContext context)
    {
        ServedModelInfo model = service.Model;
        string id = context.Request.RouteValues["id"] as string ?? "";
        return id == model.Name
            ? JsonAnswer.SendAsync(context, ModelDocument.Of(model), ApiJsonContext.Default.ModelDocument)
            : throw new ProblemException(Problems.ModelNotFound(id, model.Name) with { Field = "id" });
    }
}
