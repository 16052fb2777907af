using Microsoft.Extensions.Time.Testing;

namespace DynamicMoE.Models.Tests;

/// <summary>Templates in the style of the families that are read; what is expected was worked out by Jinja's rules, by hand.</summary>
public class ChatTemplateTests
{
    private static readonly ChatTurn[] Talk = [new("user", "Hi"), new("assistant", " Yes "), new("user", "Why?")];

    private static readonly ChatTurn[] WithSystem = [new("system", "Be short."), .. Talk];

    // Instructions in brackets, roles that alternate, the system text in front of the first or the last question.
    private const string Brackets = """
        {%- if messages[0]["role"] == "system" %}
            {%- set system_message = messages[0]["content"] %}
            {%- set loop_messages = messages[1:] %}
        {%- else %}
            {%- set loop_messages = messages %}
        {%- endif %}

        {{- bos_token }}
        {%- for message in loop_messages %}
            {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
                {{- raise_exception('Conversation roles must alternate user/assistant!') }}
            {%- endif %}
            {%- if message["role"] == "user" %}
                {%- if loop.first and system_message is defined %}
                    {{- " [INST] " + system_message + "\n\n" + message["content"] + " [/INST]" }}
                {%- else %}
                    {{- " [INST] " + message["content"] + " [/INST]" }}
                {%- endif %}
            {%- elif message["role"] == "assistant" %}
                {{- " " + message["content"]|trim + eos_token}}
            {%- else %}
                {{- raise_exception("Only user and assistant roles are supported!") }}
            {%- endif %}
        {%- endfor %}
        """;

    // Start and end marks per turn; a namespace finds the last question; reasoning is cut out of older answers.
    private const string Marks = """
        {%- if tools %}
            {{- '<|im_start|>system\n' }}
            {%- for tool in tools %}
                {{- "\n" }}
                {{- tool | tojson }}
            {%- endfor %}
        {%- else %}
            {%- if messages[0].role == 'system' %}
                {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
            {%- endif %}
        {%- endif %}
        {%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
        {%- for message in messages[::-1] %}
            {%- set index = (messages|length - 1) - loop.index0 %}
            {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
                {%- set ns.multi_step_tool = false %}
                {%- set ns.last_query_index = index %}
            {%- endif %}
        {%- endfor %}
        {%- for message in messages %}
            {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
                {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
            {%- elif message.role == "assistant" %}
                {%- set content = message.content %}
                {%- if '</think>' in message.content %}
                    {%- set content = message.content.split('</think>')[-1].lstrip('\n') %}
                {%- endif %}
                {%- if loop.index0 > ns.last_query_index or (loop.last and not content) %}
                    {{- '<|im_start|>' ~ message.role ~ '\n<think>' }}
                {%- else %}
                    {{- '<|im_start|>' + message.role + '\n' + content }}
                {%- endif %}
                {%- if message.tool_calls %}
                    {{- message.tool_calls | tojson }}
                {%- endif %}
                {{- '<|im_end|>\n' }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|im_start|>assistant\n' }}
            {%- if enable_thinking is defined and enable_thinking is false %}
                {{- '<think>\n\n</think>\n\n' }}
            {%- endif %}
        {%- endif %}
        """;

    // Marks with line ends, written with the blanks that the white space rules drop.
    private const string Lines =
        "{{ bos_token }}{% for message in messages %}\n{% if message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] }}\n" +
        "{% elif message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] }}\n" +
        "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n" +
        "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}";

    // Everything in one line; the system text is gathered first.
    private const string OneLine =
        "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}" +
        "{% set ns = namespace(is_first=false, system_prompt='', is_first_sp=true) %}" +
        "{%- for message in messages %}{%- if message['role'] == 'system' %}{%- if ns.is_first_sp %}{% set ns.system_prompt = ns.system_prompt + message['content'] %}" +
        "{% set ns.is_first_sp = false %}{%- else %}{% set ns.system_prompt = ns.system_prompt + '\\n\\n' + message['content'] %}{%- endif %}{%- endif %}{%- endfor %}" +
        "{{ bos_token }}{{ ns.system_prompt }}{%- for message in messages %}{%- if message['role'] == 'user' %}{{'User: ' + message['content'] + '\\n\\n'}}" +
        "{%- elif message['role'] == 'assistant' and message['content'] is not none %}{{ 'Assistant: ' + message['content'] + eos_token }}{%- endif -%}{%- endfor -%}" +
        "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

    public static TheoryData<string, bool, string> Families => new()
    {
        { Brackets, false, "<s> [INST] Hi [/INST] Yes</s> [INST] Why? [/INST]" },
        { Brackets, true, "<s> [INST] Be short.\n\nHi [/INST] Yes</s> [INST] Why? [/INST]" },
        { Marks, false, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n Yes <|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n" },
        { Marks, true, "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n Yes <|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n" },
        { Lines, false, "<s><|user|>\nHi\n<|assistant|>\n Yes </s>\n<|user|>\nWhy?\n<|assistant|>\n" },
        { Lines, true, "<s><|system|>\nBe short.\n<|user|>\nHi\n<|assistant|>\n Yes </s>\n<|user|>\nWhy?\n<|assistant|>\n" },
        { OneLine, false, "<s>User: Hi\n\nAssistant:  Yes </s>User: Why?\n\nAssistant:" },
        { OneLine, true, "<s>Be short.User: Hi\n\nAssistant:  Yes </s>User: Why?\n\nAssistant:" },
    };

    [Theory, MemberData(nameof(Families))]
    public void Template_WhenOfAFamily_GivesItsPrompt(string template, bool system, string prompt) =>
        Assert.Equal(prompt, new ChatTemplate(template).Render(system ? WithSystem : Talk, "<s>", "</s>"));

    [Fact]
    public void Template_WhenItRaises_SaysSo()
    {
        var error = Assert.Throws<TemplateException>(() => new ChatTemplate(Brackets).Render([new("assistant", "Hi")], "", ""));
        Assert.True(error.Raised);
        Assert.Equal("Conversation roles must alternate user/assistant!", error.Message);
    }

    [Fact]
    public void Reasoning_WhenInAnOlderAnswer_IsCut() =>
        Assert.Contains("assistant\n4<|im_end|>", new ChatTemplate(Marks).Render([new("user", "2+2"), new("assistant", "<think>hm</think>\n\n4"), new("user", "ok")], "", ""), StringComparison.Ordinal);

    [Theory]
    [InlineData("{{ 1 + 2 * 3 }}", "7")]
    [InlineData("{{ (1 + 2) * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 4 / 2 }}", "9 3 -4 2 3.5 2.0")]
    [InlineData("{{ 'a' ~ 1 ~ none ~ true ~ 1.0 }}", "a1NoneTrue1.0")]
    [InlineData("{{ 'x' if false }}|{{ 'x' if 1 else 'y' }}|{{ nothing }}", "|x|")]
    [InlineData("{{ not true or 1 == 1.0 and 2 not in [1, 3] }}", "True")]
    [InlineData("{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'b' > 'a' }}", "True False True")]
    [InlineData("{{ 'abc'[0] }}{{ 'abc'[-1] }}{{ 'abc'[1:] }}{{ 'abcd'[::2] }}{{ 'abc'[::-1] }}{{ 'abc'[:-1] }}{{ 'abc'[9:] }}", "acbcaccbaab")]
    [InlineData("{{ [1, 'a', none, true, 1.5] }} {{ {'k': [1]} }}", "[1, 'a', None, True, 1.5] {'k': [1]}")]
    [InlineData("{{ {'k': ['\"', none, 1.5, 'a\\nb']} | tojson }}", "{\"k\": [\"\\\"\", null, 1.5, \"a\\nb\"]}")]
    [InlineData("{{ {'k': [1, 2], 'e': []} | tojson(indent=2) }}", "{\n  \"k\": [\n    1,\n    2\n  ],\n  \"e\": []\n}")]
    [InlineData("{{ ' a b '.strip() | upper }}{{ 'xax'.strip('x') }}{{ 'a,b,c'.split(',')[1] }}{{ 'a b  c'.split() | length }}", "A Bab3")]
    [InlineData("{{ 'a,b,c'.split(',', 1) }}{{ ['a', 'b'] | join('-') }}{{ 'ab'.replace('a', 'x') }}", "['a', 'b,c']a-bxb")]
    [InlineData("{{ 'hello wORLD' | title }} {{ 'hELLO' | capitalize }} {{ ' a ' | trim }}.", "Hello World Hello a.")]
    [InlineData("{{ x | default('d') }}{{ '' | default('e', true) }}{{ '' | default('f') }}", "de")]
    [InlineData("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{{ ',' if not loop.last }}{% endfor %}", "a1,b2")]
    [InlineData("{% for x in [1, 2, 3, 4] if x % 2 == 0 %}{{ loop.index }}:{{ x }} {% else %}none{% endfor %}", "1:2 2:4 ")]
    [InlineData("{% for x in [] %}a{% else %}none{% endfor %}", "none")]
    [InlineData("{% for x in range(5) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}", "02")]
    [InlineData("{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}", "1")]
    [InlineData("{% set ns = namespace(x=1) %}{% for i in [1] %}{% set ns.x = 2 %}{% endfor %}{{ ns.x }}", "2")]
    [InlineData("{% set x %}a{{ 1 }}{% endset %}{{ x }}{{ x | length }}", "a12")]
    [InlineData("{{ 1 is defined and x is not defined }} {{ 'a' is string }} {{ {} is mapping }} {{ 3 is odd }} {{ none is none }}", "True True True True True")]
    [InlineData("{{ [{'r': 'a', 'n': 1}, {'r': 'b', 'n': 2}] | selectattr('r', 'equalto', 'b') | map(attribute='n') | list }}", "[2]")]
    [InlineData("{# a comment #}a{#- b -#} c", "ac")]
    [InlineData("a  {{- ' b ' -}}  c", "a b c")]
    [InlineData("  {% if true %}\n  x\n  {% endif %}\ny", "  x\ny")]
    [InlineData("  {%+ if true %}\n x{% endif %}", "   x")]
    [InlineData("{{ {'a': {'b': 1}}.a.b }}{{ {'get': 1}['get'] }}{{ {'a': 1}.get('b', 2) }}", "112")]
    [InlineData("{{ '}}' }}{{ \"%}\" }}", "}}%}")]
    [InlineData("{% generation %}x{% endgeneration %}", "x")]
    [InlineData("{{ strftime_now('%d %b %Y') }}", "02 Jan 2030")]
    [InlineData("a\n", "a")]
    public void Expression_WhenRendered_IsWhatJinjaMakesOfIt(string template, string text)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero));
        Assert.Equal(text, new ChatTemplate(template, time).Render([], "", ""));
    }

    [Theory]
    [InlineData("{% macro x() %}{% endmacro %}")]
    [InlineData("{% if true %}")]
    [InlineData("{% endif %}")]
    [InlineData("{{ 1 + }}")]
    [InlineData("{{ 'a }}")]
    [InlineData("{{ a")]
    [InlineData("{# a")]
    [InlineData("{{ 1 | nothing }}")]
    [InlineData("{{ 1 is nothing }}")]
    [InlineData("{{ ? }}")]
    [InlineData("{% for x %}{% endfor %}")]
    [InlineData("{{ 99999999999999999999 }}")]
    public void Template_WhenNotUnderstood_IsRefusedWithItsLine(string template) =>
        Assert.Contains("line 1", Assert.Throws<TemplateException>(() => new ChatTemplate(template)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{{ x.y }}")]
    [InlineData("{{ 1 + 'a' }}")]
    [InlineData("{{ 1 // 0 }}")]
    [InlineData("{{ 1 % 0 }}")]
    [InlineData("{{ 9223372036854775807 + 1 }}")]
    [InlineData("{{ 1() }}")]
    [InlineData("{{ [1][::0] }}")]
    [InlineData("{% for a, b in [1] %}{% endfor %}")]
    [InlineData("{% for x in range(10000000) %}{% endfor %}")]
    [InlineData("{% for x in range(100000) %}{% for y in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='aa') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('a', 'aaaa') %}{% endfor %}")]
    public void Template_WhenItAsksForTooMuch_IsEnded(string template) =>
        Assert.False(Assert.Throws<TemplateException>(() => new ChatTemplate(template).Render([], "", "")).Raised);

    [Theory]
    [InlineData("{% if true %}", "{% endif %}")]
    [InlineData("{{ (", ") }}")]
    [InlineData("{{ [", "] }}")]
    public void Template_WhenNestedTooDeep_IsRefused(string begin, string end)
    {
        string source = begin == "{% if true %}"
            ? string.Concat(Enumerable.Repeat(begin, 5000)) + string.Concat(Enumerable.Repeat(end, 5000))
            : "{{ " + new string(begin[^1], 5000) + new string(end[0], 5000) + " }}";
        Assert.Contains("deep", Assert.Throws<TemplateException>(() => new ChatTemplate(source)).Message, StringComparison.Ordinal);
    }
}
