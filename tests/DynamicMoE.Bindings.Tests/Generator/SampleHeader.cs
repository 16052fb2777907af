using DynamicMoE.BindingGenerator;

namespace DynamicMoE.Bindings.Tests.Generator;

/// <summary>A small header that has one of everything the generator reads.</summary>
internal static class SampleHeader
{
    public const string Text =
        """
        #include <stdint.h>
        /** How a thing is made. */
        typedef enum dmoe_mode {
          DMOE_MODE_FAST = 3, /**< when a < b */
          DMOE_MODE_OLD_WAY   /**< else */
        } dmoe_mode;
        typedef struct dmoe_thing dmoe_thing;
        /** Settings. */
        typedef struct dmoe_thing_options {
          uint32_t struct_size; /**< bytes */
          const float *row_data; /**< [n] */
          const char *name;
          const dmoe_thing *base; /**< or NULL */
        } dmoe_thing_options;
        typedef enum dmoe_status { DMOE_OK = 0, DMOE_E_BAD = 10 } dmoe_status;
        /** Makes a thing
         *  & more. @param options how
         *  to make it @param params [out] figures @return DMOE_OK, DMOE_E_BAD */
        dmoe_status dmoe_thing_create(const dmoe_thing_options *options, int64_t *params, dmoe_thing **thing);
        void dmoe_thing_destroy(dmoe_thing *thing);
        uint8_t dmoe_thing_use(const dmoe_thing *thing, dmoe_mode mode);
        void dmoe_thing_notify(dmoe_thing *thing, void (*callback)(void *context), void *context);
        const char *dmoe_status_name(dmoe_status status);
        """;

    public static HeaderModel Read(string text = Text)
    {
        string folder = Directory.CreateTempSubdirectory("dmoe-header").FullName;
        try
        {
            string path = Path.Combine(folder, "sample.h");
            File.WriteAllText(path, text);
            return AstReader.Read(Clang.DumpAst(path), File.ReadAllBytes(path));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
