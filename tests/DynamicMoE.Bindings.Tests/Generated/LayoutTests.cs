using System.Reflection;
using System.Runtime.InteropServices;
using DynamicMoE.BindingGenerator;

namespace DynamicMoE.Bindings.Tests.Generated;

/// <summary>The compiled structs against the layout that the native compiler chose.</summary>
public unsafe class LayoutTests
{
    private static readonly List<Type> Structs =
        [.. typeof(NativeMethods).Assembly.GetTypes().Where(t => t is { IsValueType: true, IsEnum: false } && t.Name.StartsWith("Dmoe", StringComparison.Ordinal))];

    [Fact]
    public void Structs_WhenComparedWithLibrary_HaveTheSameFieldsAtTheSameOffsets() =>
        Assert.Equal(ReadNative().Order(), Managed().Order());

    [Fact]
    public void LayoutTable_WhenRead_HasEveryStructItself() =>
        Assert.Equal(Structs.Count, ReadNative().Count(place => place.Field.Length == 0));

    [Fact]
    public void Create_WhenCalled_SetsStructSizeFirst()
    {
        foreach (Type type in Structs)
        {
            object made = type.GetMethod("Create", BindingFlags.Public | BindingFlags.Static)!.Invoke(null, null)!;
            Assert.Equal((uint)Marshal.SizeOf(type), type.GetField("StructSize")!.GetValue(made));
            Assert.Equal(0, Marshal.OffsetOf(type, "StructSize"));
        }
    }

    private static IEnumerable<Place> Managed()
    {
        foreach (Type type in Structs)
        {
            yield return new Place(type.Name, "", 0, (uint)Marshal.SizeOf(type));
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
                yield return new Place(type.Name, field.Name, (uint)Marshal.OffsetOf(type, field.Name), SizeOf(field.FieldType));
        }
    }

    private static uint SizeOf(Type type) => (uint)(type.IsPointer ? sizeof(nint) : Marshal.SizeOf(type));

    private static List<Place> ReadNative()
    {
        int count;
        DmoeLayoutEntry* entry = NativeMethods.dmoe_layout_table(&count);
        var places = new List<Place>();
        for (int i = 0; i < count; i++)
        {
            places.Add(new Place(Naming.Pascal(Text(entry->TypeName)), Text(entry->FieldName) is { Length: > 0 } field ? Naming.Pascal(field) : "", entry->Offset, entry->Size));
            entry = (DmoeLayoutEntry*)((byte*)entry + entry->StructSize);
        }

        return places;
    }

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text)!;

    private readonly record struct Place(string Type, string Field, uint Offset, uint Size) : IComparable<Place>
    {
        public int CompareTo(Place other) =>
            string.CompareOrdinal($"{Type}.{Field}", $"{other.Type}.{other.Field}");
    }
}
