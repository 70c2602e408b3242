//===- RenderTest.cpp - templates and what Jinja makes of them ------------===//
//
// The expected texts are those of jinja2 3.1.6 in Transformers' environment
// (trim_blocks, lstrip_blocks, loop controls, its own tojson).
//
//===----------------------------------------------------------------------===//

#include "tenon/Template/Render.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::templates;

namespace {

const char *const kVariables =
    R"~({"xs": [3, 1, 2], "names": ["b", "A", "c", "a"], "d": {"b": 1, "a": [1, 2.5, null, true, "q'\"\n"]}, "s": "  Hello wörld  ", "t": "a,b,,c", "n": null, "f": 1.5, "i": 7, "e": "", "users": [{"name": "bo", "age": 3, "tags": ["x"]}, {"name": "Al", "age": 1, "tags": []}, {"name": "cy", "age": 2}], "big": 12345678901234567, "tiny": 1e-07, "huge": 1e+22, "role": "user", "nested": {"a": {"b": [{"c": 5}]}}, "u": "ÄÖß éà ΣΑΣ İ", "lines": "a\n\nb\r\nc"})~";

/// What rendering gives, or "error: …".
std::string rendered(const std::string &text,
                     const RenderOptions &options = {}) {
  auto compiled = compileTemplate(text, "t");
  if (!compiled)
    return compiled.error().message;
  std::string bytes = compiled->serialize();
  auto program =
      Program::deserialize(std::as_bytes(std::span<const char>(bytes)));
  if (!program)
    return program.error().message;
  auto variables = valueFromJson(kVariables, "v.json");
  if (!variables)
    return variables.error().message;
  auto out = render(*program, *variables->dict(), options);
  return out ? out->bytes() : out.error().message;
}

struct Case {
  const char *text, *expected;
};

// clang-format off
const Case kCases[] = {
  {R"~({{ xs }}|{{ names|sort }}|{{ names|sort(case_sensitive=true) }}|{{ xs|sort(reverse=true) }})~",
   R"~([3, 1, 2]|['A', 'a', 'b', 'c']|['A', 'a', 'b', 'c']|[3, 2, 1])~"},
  {R"~({{ d }}|{{ d|tojson }}|{{ d|tojson(indent=2) }}|{{ d|dictsort }})~",
   R"~({'b': 1, 'a': [1, 2.5, None, True, 'q\'"\n']}|{"b": 1, "a": [1, 2.5, null, true, "q'\"\n"]}|{
  "b": 1,
  "a": [
    1,
    2.5,
    null,
    true,
    "q'\"\n"
  ]
}|[('a', [1, 2.5, None, True, 'q\'"\n']), ('b', 1)])~"},
  {R"~({{ d|tojson(separators=(',',':'),sort_keys=true) }}|{{ [1,[],{}]|tojson(indent=4) }})~",
   R"~({"a":[1,2.5,null,true,"q'\"\n"],"b":1}|[
    1,
    [],
    {}
])~"},
  {R"~({{ s|trim }}|{{ s.strip() }}|{{ s.lstrip() }}|{{ s.rstrip() }}|{{ s|upper }}|{{ s|lower }}|{{ s|title }}|{{ s.title() }}|{{ s.strip()|capitalize }})~",
   R"~(Hello wörld|Hello wörld|Hello wörld  |  Hello wörld|  HELLO WÖRLD  |  hello wörld  |  Hello Wörld  |  Hello Wörld  |Hello wörld)~"},
  {R"~({{ t.split(',') }}|{{ t.split(',',1) }}|{{ t.rsplit(',',1) }}|{{ s.split() }}|{{ ' a  b c '.split(None,1) }}|{{ ' a  b c '.rsplit(None,1) }})~",
   R"~(['a', 'b', '', 'c']|['a', 'b,,c']|['a,b,', 'c']|['Hello', 'wörld']|['a', 'b c ']|[' a  b', 'c'])~"},
  {R"~({{ t.replace(',',';') }}|{{ t|replace(',','-',2) }}|{{ 'abc'.replace('','-') }}|{{ t[1:] }}|{{ t[::-1] }}|{{ t[-3:] }}|{{ xs[::2] }}|{{ xs[1:][0] }}|{{ xs[-1] }}|{{ xs[:-1] }})~",
   R"~(a;b;;c|a-b-,c|-a-b-c-|,b,,c|c,,b,a|,,c|[3, 2]|1|2|[3, 1])~"},
  {R"~({{ 7 // 2 }}|{{ -7 // 2 }}|{{ -7 % 3 }}|{{ 7 / 2 }}|{{ 2 ** 10 }}|{{ 2 ** -1 }}|{{ 1.0 }}|{{ 1e20 }}|{{ big }}|{{ tiny }}|{{ huge }}|{{ 0.1 + 0.2 }}|{{ -i }}|{{ 7.5 % 2 }}|{{ 7.5 // 2 }})~",
   R"~(3|-4|2|3.5|1024|0.5|1.0|1e+20|12345678901234567|1e-07|1e+22|0.30000000000000004|-7|1.5|3.0)~"},
  {R"~({{ 'a' ~ 1 ~ none ~ 1.5 ~ true }}|{{ 'a' 'b' }}|{{ 'ab' * 3 }}|{{ [1] * 2 }}|{{ [1] + [2] }}|{{ (1,) }}|{{ (1,2) + (3,) }}|{{ () }})~",
   R"~(a1None1.5True|ab|ababab|[1, 1]|[1, 2]|(1,)|(1, 2, 3)|())~"},
  {R"~({{ 1 if true else 2 }}|{{ 1 if false }}|{{ missing }}|{{ missing|default('x') }}|{{ e|default('y', true) }}|{{ n|default('z') }}|{{ missing is defined }}|{{ n is none }}|{{ i is not none }})~",
   R"~(1|||x|y|None|False|True|True)~"},
  {R"~({{ 1 < 2 < 3 }}|{{ 1 < 2 > 3 }}|{{ 'a' in 'abc' }}|{{ 1 not in xs }}|{{ 'b' in d }}|{{ not true }}|{{ true and 0 or 'r' }}|{{ 1 == 1.0 }}|{{ true == 1 }}|{{ 'a' == 1 }}|{{ [1,2] == [1,2] }})~",
   R"~(True|False|True|False|True|False|r|True|True|False|True)~"},
  {R"~({{ xs|length }}|{{ u|length }}|{{ xs|first }}|{{ xs|last }}|{{ xs|sum }}|{{ xs|max }}|{{ xs|min }}|{{ xs|join('-') }}|{{ xs|reverse|list }}|{{ 'abc'|reverse }}|{{ names|unique|list }})~",
   R"~(3|12|3|2|6|3|1|3-1-2|[2, 1, 3]|cba|['b', 'A', 'c'])~"},
  {R"~({{ users|map(attribute='name')|join(', ') }}|{{ users|selectattr('age','gt',1)|map(attribute='name')|list }}|{{ users|rejectattr('age','equalto',1)|list|length }}|{{ users|selectattr('tags')|list|length }}|{{ xs|select('odd')|list }}|{{ xs|reject('odd')|list }}|{{ names|map('upper')|list }})~",
   R"~(bo, Al, cy|['bo', 'cy']|2|1|[3, 1]|[2]|['B', 'A', 'C', 'A'])~"},
  {R"~({{ users|sort(attribute='age')|map(attribute='name')|list }}|{{ users|groupby('age')|length }}|{{ users|sum(attribute='age') }}|{{ users|map(attribute='tags.0',default='none')|list }})~",
   R"~(['Al', 'cy', 'bo']|3|6|['x', 'none', 'n'])~"},
  {R"~({% for u in users %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.length }}{{ loop.cycle('x','y') }}{{ loop.previtem.name if loop.previtem is defined }}{{ loop.nextitem.name if loop.nextitem is defined }}{% if not loop.last %}, {% endif %}{% endfor %})~",
   R"~(1TrueFalse33xAl, 2FalseFalse23ybocy, 3FalseTrue13xAl)~"},
  {R"~({% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}|{% for k in d %}{{ k }}{% endfor %}|{% for x in [] %}{% else %}empty{% endfor %})~",
   R"~(b=1;a=[1, 2.5, None, True, 'q\'"\n'];|ba|empty)~"},
  {R"~({% for x in xs if x > 1 %}{{ loop.index0 }}:{{ x }} {% endfor %}|{% for x in xs %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %})~",
   R"~(0:3 1:2 |3)~"},
  {R"~({% set ns = namespace(a=1, b=[]) %}{% for x in xs %}{% set ns.a = ns.a + x %}{% set z = x %}{% endfor %}{{ ns.a }}{{ z is defined }})~",
   R"~(7False)~"},
  {R"~({% set a, b = 1, 2 %}{{ a }}{{ b }}|{% set c %}block {{ a }}{% endset %}{{ c }}|{% set c | upper %}block{% endset %}{{ c }})~",
   R"~(12|block 1|BLOCK)~"},
  {R"~({% macro m(a, b='B', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m('x','y','z') }}{{ m() }})~",
   R"~([1BNone][1B3][xyz][BNone])~"},
  {R"~({% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{% endcall %}|{% macro v(x) %}{{ caller(x) }}{% endmacro %}{% call(y) v(5) %}got {{ y }}{% endcall %})~",
   R"~(<in>|got 5)~"},
  {R"~({% filter upper %}abc {{ i }}{% endfilter %}|{% with q = 5, r = i %}{{ q }}{{ r }}{% endwith %})~",
   R"~(ABC 7|57)~"},
  {R"~({% if false %}1{% elif i == 7 %}2{% else %}3{% endif %}|{% if xs %}y{% endif %}|{% raw %}{{ raw }}{% endraw %}|{# comment #}x)~",
   R"~(2|y|{{ raw }}|x)~"},
  {R"~({% for n in [1,[2,[3]]] recursive %}{% if n is iterable %}({{ loop(n) }}){% else %}{{ n }}.{{ loop.depth }}{% endif %}{% endfor %})~",
   R"~(1.1(2.2(3.3)))~"},
  {R"~({{ nested.a.b[0].c }}|{{ nested['a']['b'][0]['c'] }}|{{ d.get('zz') }}|{{ d.get('zz', 5) }}|{{ d.keys()|list }}|{{ d.values()|list }}|{{ d.b }}|{{ xs.0 }}|{{ nested.zz is defined }})~",
   R"~(5|5|None|5|['b', 'a']|[1, [1, 2.5, None, True, 'q\'"\n']]|1|3|False)~"},
  {R"~({{ '%s' }}|{{ 'a\tb\\n\x41\u00e9\'' }}|{{ "q\"" }}|{{ 1_000 }}|{{ 1.5e3 }}|{{ range(3)|list }}|{{ range(1,10,3)|list }}|{{ range(5,0,-2)|list }})~",
   R"~(%s|a	b\nAé'|q"|1000|1500.0|[0, 1, 2]|[1, 4, 7]|[5, 3, 1])~"},
  {R"~({{ s is string }}{{ xs is sequence }}{{ d is mapping }}{{ i is number }}{{ f is float }}{{ i is integer }}{{ true is boolean }}{{ i is odd }}{{ i is divisibleby 7 }}{{ i is divisibleby(2) }}{{ 'a' is in 'abc' }}{{ xs is iterable }}{{ i is sameas 7 }}{{ 'AB' is upper }}{{ 'ab' is lower }}{{ x is undefined }}{{ i is eq 7 }}{{ i is ge(8) }})~",
   R"~(TrueTrueTrueTrueTrueTrueTrueTrueTrueFalseTrueTrueTrueTrueTrueTrueTrueFalse)~"},
  {R"~({{ '12'|int }}|{{ 'x'|int }}|{{ 'x'|int(5) }}|{{ '1.9'|int }}|{{ 1.9|int }}|{{ '2.5'|float }}|{{ 2.5|round }}|{{ 2.567|round(2) }}|{{ 2.4|round(method='ceil') }}|{{ -3|abs }}|{{ 5|string ~ 'x' }}|{{ 'a b  c'|wordcount }})~",
   R"~(12|0|5|1|1|2.5|2.0|2.57|3.0|3|5x|3)~"},
  {R"~({{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent('> ', blank=true) }}|{{ '<&>"'|e }}|{{ '<'|safe }}|{{ xs|batch(2)|list }}|{{ xs|batch(2,'-')|list }}|{{ d|items|list }})~",
   R"~(a
    b

    c|  a
  b|a
> 
> b|&lt;&amp;&gt;&#34;|<|[[3, 1], [2]]|[[3, 1], [2, '-']]|[('b', 1), ('a', [1, 2.5, None, True, 'q\'"\n'])])~"},
  {R"~({{ lines.splitlines() }}|{{ 'abc'.startswith('ab') }}|{{ 'abc'.endswith(('x','c')) }}|{{ 'abcabc'.find('c') }}|{{ 'abcabc'.rfind('c') }}|{{ 'abcabc'.count('c') }}|{{ '-'.join(['a','b']) }}|{{ 'a=b=c'.partition('=') }}|{{ 'a=b=c'.rpartition('=') }}|{{ 'xxabxx'.strip('x') }}|{{ 'abc'.removeprefix('a') }}|{{ 'abc'.removesuffix('c') }}|{{ '12'.isdigit() }}|{{ 'hello world'.capitalize() }})~",
   R"~(['a', '', 'b', 'c']|True|True|2|5|2|a-b|('a', '=', 'b=c')|('a=b', '=', 'c')|ab|bc|ab|True|Hello world)~"},
  {R"~({{- 'left' }}   {{ 'right' -}}   )~",
   R"~(left   right)~"},
  {R"~(   {%- if true -%}   x   {%- endif -%}   y)~",
   R"~(xy)~"},
  {R"~(     indented {{ i }})~",
   R"~(     indented 7)~"},
  {R"~(   {%+ if true %}plus{% endif %})~",
   R"~(   plus)~"},
  {R"~({{ xs|tojson }}{%- generation %}G{% endgeneration %})~",
   R"~([3, 1, 2]G)~"},
  {R"~({{ xs[5] }}|{{ 'abc'[7] }}|{{ d['zz'] }})~",
   R"~(||)~"},
  {R"~({{ {'a':1}.a }}|{{ {1:2}[1] }}|{{ {'x': {'y': 1}}|tojson }}|{{ {} }}|{{ [] }}|{{ '' }}|{{ true }}|{{ none }})~",
   R"~(1|2|{"x": {"y": 1}}|{}|[]||True|None)~"},
  {R"~({% for a, b in [(1,2),[3,4]] %}{{ a }}-{{ b }} {% endfor %}|{% for (a, b) in [(1,2)] %}{{ a }}{% endfor %})~",
   R"~(1-2 3-4 |1)~"},
  {R"~({% if i is defined and i is not none and i > 3 %}Y{% endif %}|{{ 'x' if i is defined else 'y' }}|{{ (i is defined) | string }})~",
   R"~(Y|x|True)~"},
  {R"~({% set m = ['a'] %}{% set m = m + ['b'] %}{{ m }}{% for x in m %}{% set m = m + [x] %}{{ m|length }}{% endfor %}{{ m|length }})~",
   R"~(['a', 'b']332)~"},
  {R"~({{ xs|join(', ', attribute=none) }}|{{ users|join('/', attribute='name') }}|{{ users|map(attribute='age')|sum }}|{{ loop is defined }})~",
   R"~(3, 1, 2|bo/Al/cy|6|False)~"},
  {R"~({% macro a() %}{{ x9|default('no') }}{% endmacro %}{% set x9 = 1 %}{{ a() }}|{% for x9 in [5] %}{{ a() }}{% endfor %})~",
   R"~(1|1)~"},
  {R"~({{ "a" is not in "bc" }}|{{ 1 is not string }}|{{ missing|length }}|{{ missing|list }}|{{ missing|join }}|{{ [missing, 1] | select('defined') | list }})~",
   R"~(True|True|0|[]||[1])~"},
  {R"~({% for c in 'aé漢' %}{{ c }},{% endfor %}|{{ 'aé漢'|list }}|{{ ['a', "it's", 'q"', 'both\'"', '\\', 'é\n\x00\u200b'] }})~",
   R"~(a,é,漢,|['a', 'é', '漢']|['a', "it's", 'q"', 'both\'"', '\\', 'é\n\x00\u200b'])~"},
  {R"~({{ 5 | string | length }}|{{ 1.5 | string }}|{{ [1.0, 2e-5, 1e16, 123456789012345680.0] }}|{{ 1e15 }}|{{ 1e16 }}|{{ 0.0001 }}|{{ 0.00001 }})~",
   R"~(1|1.5|[1.0, 2e-05, 1e+16, 1.2345678901234568e+17]|1000000000000000.0|1e+16|0.0001|1e-05)~"},
  {R"~({{ namespace(a=1).a }}|{{ xs is mapping }}|{{ '' is string }}|{{ xs | map('string') | join('') }}|{{ ['a','b'] | map('replace','a','z') | list }}|{{ names | select('in', ['a','b']) | list }})~",
   R"~(1|False|True|312|['z', 'b']|['b', 'a'])~"},
  {R"~({% if true %}
  a
{% endif %}
b
)~",
   R"~(  a
b)~"},
  {R"~({%- if true %}
  a
{%- endif %}
b

)~",
   R"~(  ab
)~"},
  {R"~(a
  {# c #}
b)~",
   R"~(a
b)~"},
  {R"~(a
  {#- c -#}
b)~",
   R"~(ab)~"},
  {R"~(  {{ 1 }}
  {% set x = 1 %}
{{ x }})~",
   R"~(  1
1)~"},
  {R"~(x {% if 1 %} y{% endif %}  
  z)~",
   R"~(x  y  
  z)~"},
  {R"~({% raw %}
 {% x %}
{% endraw %}
q)~",
   R"~(
 {% x %}
q)~"},
  {R"~(a{% for x in [1,2] %}

{{ x }}
{% endfor %}b)~",
   R"~(a
1

2
b)~"},
  {R"~({{ 1 }}  {% if 1 %}2{% endif %})~",
   R"~(1  2)~"},
  {R"~(

{% if 1 %}x{% endif %}

)~",
   R"~(

x)~"},
  {R"~({{ {'a': {'b': 1}} }})~",
   R"~({'a': {'b': 1}})~"},
  {R"~({{ '}}' }}{{ '%}' }})~",
   R"~(}}%})~"},
  {R"~({#{{ 1 }}#}{{ 2 }})~",
   R"~(2)~"},
  {R"~({% set x = '''q''' %}{{ x }})~",
   R"~(q)~"},
};
// clang-format on

TEST(Render, AsJinjaDoes) {
  for (const Case &one : kCases)
    EXPECT_EQ(rendered(one.text), one.expected) << one.text;
}

// What Jinja refuses too, each with its place.
const Case kErrors[] = {
    {R"~(   {% if true %})~",
     R"~(t:1:17: error: expected '{% endif %}', found the end of the template)~"},
    {R"~(   {% endif %})~", R"~(t:1:7: error: unknown statement 'endif')~"},
    {R"~({{ [x for x in xs] if false else 'nolc' }})~",
     R"~(t:1:7: error: expected ',', found 'for')~"},
    {R"~({{ i is foo }})~", R"~(t:1:9: error: unknown test 'foo')~"},
    {R"~({{ xs|foo }})~", R"~(t:1:7: error: unknown filter 'foo')~"},
    {R"~({% include 'x' %})~",
     R"~(t:1:4: error: 'include' needs other templates, which a chat template can't have)~"},
    {R"~({{ missing.a }})~", R"~(t:1:11: error: 'missing' is undefined)~"},
    {R"~({{ xs + 1 }})~",
     R"~(t:1:4: error: values of types list and int can't be combined so)~"},
    {R"~({{ 1/0 }})~", R"~(t:1:4: error: division by zero)~"},
    {R"~({{ raise_exception('no!') }})~", R"~(t:1:19: error: no!)~"},
    {R"~({% for x in 5 %}{% endfor %})~",
     R"~(t:1:8: error: a value of type int can't be iterated)~"},
    {R"~({{ missing() }})~", R"~(t:1:11: error: 'missing' is undefined)~"},
    {R"~({{ 'a' < 1 }})~",
     R"~(t:1:4: error: values of types str and int have no order)~"},
    {R"~({% if %})~", R"~(t:1:7: error: expected an expression)~"},
    {R"~({{ (1 }})~", R"~(t:1:7: error: unexpected '}')~"},
    {R"~({{ "abc }})~", R"~(t:1:4: error: the string is not ended)~"},
    {R"~({% endif %})~", R"~(t:1:4: error: unknown statement 'endif')~"},
    {R"~({% for x in xs %})~",
     R"~(t:1:18: error: expected '{% endfor %}', found the end of the template)~"},
    {R"~({{ xs.append(1) }})~", R"~(t:1:13: error: 'append' is undefined)~"},
    {R"~({{ d.update({}) }})~", R"~(t:1:12: error: 'update' is undefined)~"},
    {R"~({{ none + 'a' }})~",
     R"~(t:1:4: error: values of types NoneType and str can't be combined so)~"},
    {R"~({{ 'a' + 1 }})~",
     R"~(t:1:4: error: values of types str and int can't be combined so)~"},
    {R"~({{ not_defined + 'a' }})~",
     R"~(t:1:4: error: 'not_defined' is undefined)~"},
    {R"~({% set x.y = 1 %})~",
     R"~(t:1:8: error: 'x' is no namespace, so nothing in it can be set)~"},
    {R"~({{ -1 ** 2 }}|{{ 2 ** 3 ** 2 }}|{{ not 1 == 2 }}|{{ 1 + 2 ~ 3 }}|{{ 'a' ~ 'b' | upper }}|{{ -1 | abs }}|{{ 1 - -1 }}|{{ 3 * 2 + 1 }})~",
     R"~(t:1:53: error: values of types int and str can't be combined so)~"},
    {R"~({{ raise_exception('no!') }}
{% for x in 5 %}{% endfor %}
{{ missing() }}
{{ 'a' < 1 }}
{% if %}
{{ (1 }}
{{ "abc }})~",
     R"~(t:6:7: error: unexpected '}')~"},
};

TEST(Render, ErrorsHaveAPlace) {
  for (const Case &one : kErrors)
    EXPECT_EQ(rendered(one.text), one.expected) << one.text;
}

TEST(Render, IsBounded) {
  RenderOptions options;
  options.maxSteps = 10000;
  EXPECT_NE(rendered("{% for i in range(1000) %}{% for j in range(1000) %}"
                     "{% endfor %}{% endfor %}",
                     options)
                .find("more than 10000 steps"),
            std::string::npos);
  EXPECT_NE(rendered("{% set ns = namespace(s='ab') %}{% for i in range(60) %}"
                     "{% set ns.s = ns.s + ns.s %}{% endfor %}")
                .find("steps"),
            std::string::npos);
  EXPECT_NE(rendered("{{ 'ab' * 99999999999999 }}").find("too long"),
            std::string::npos);
  options.maxSteps = 10000000;
  options.maxOutput = 100;
  EXPECT_NE(rendered("{% for i in range(1000) %}x{% endfor %}", options)
                .find("more than 100 bytes"),
            std::string::npos);
  EXPECT_NE(rendered("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")
                .find("too deep"),
            std::string::npos);
  EXPECT_NE(rendered("{{ range(100001) }}").find("longer than 100000"),
            std::string::npos);
  std::string deep(5000, '(');
  EXPECT_NE(rendered("{{ " + deep + "1" + std::string(5000, ')') + " }}")
                .find("nested too deep"),
            std::string::npos);
  deep.clear();
  for (int i = 0; i < 5000; ++i)
    deep += "{% if 1 %}";
  EXPECT_NE(rendered(deep).find("nested too deep"), std::string::npos);
}

TEST(Render, DatesAreLocal) {
  RenderOptions options;
  options.now = 1700000000;
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(rendered("{{ strftime_now('%d %b %Y') }}", options), "14 Nov 2023");
}

TEST(Render, TellsWhatIsTheUsers) {
  auto program = compileTemplate(
      "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] | trim }}<end>"
      "{% endfor %}",
      "t");
  ASSERT_TRUE(program);
  auto variables = valueFromJson(
      R"({"messages": [{"role": "user", "content": " <end> "}]})", "v.json");
  ASSERT_TRUE(variables);
  auto out = render(*program, *variables->dict());
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->bytes(), "<|user|><end><end>");
  std::string marks = out->userMarks();
  marks.resize(out->size());
  EXPECT_EQ(marks,
            std::string(8, '\0') + std::string(5, '\1') + std::string(5, '\0'));
}

// Whatever bytes a program is read from, it is refused or runs.
TEST(Program, DamageIsFound) {
  auto compiled = compileTemplate(
      "{% macro m(a, b=1) %}{{ a }}{% endmacro %}{% for x in xs if x %}"
      "{{ m(x)[1:] ~ d.b | default('x') }}{% set y, z = 1, 2 %}{% endfor %}",
      "t");
  ASSERT_TRUE(compiled) << compiled.error().message;
  std::string bytes = compiled->serialize();
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit : {0, 3, 7}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      auto program =
          Program::deserialize(std::as_bytes(std::span<const char>(damaged)));
      if (program) {
        auto variables = valueFromJson(kVariables, "v.json");
        RenderOptions options;
        options.maxSteps = 10000;
        (void)render(*program, *variables->dict(), options);
      }
      std::string cut = bytes.substr(0, i);
      EXPECT_FALSE(
          Program::deserialize(std::as_bytes(std::span<const char>(cut))));
    }
}

} // namespace
