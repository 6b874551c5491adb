"""The examples and rules of the language reference, page by page: what each built-in is documented to give.

`cases.jsonl` has more of them; these are the ones that the reference states in its own text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.functions.running import opened, run

from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import Failed, Limits
from isthmus.functions.sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    async with opened(workers=1) as made:
        yield made


EXAMPLES = [
    # literals
    (r'"\\$[0-9]+\\.[0-9]{2}"', r"\$[0-9]+\.[0-9]{2}"),
    (r'"a\"b\\c\/dä\u00e9"', 'a"b\\c/däé'),
    (r'"\{\}\d\s"', r"\{\}\d\s"),
    (r"'^(-?\d+)$'", r"^(-?\d+)$"),
    ("'method'", "method"),
    ("'01-Jan-2019'.addDay(0)", "01-Jan-2019 00:00:00"),
    ("'01-Jan-2019 24:10:10'.addDay(0)", "01-Jan-2019 00:00:00"),
    ("'01-Jan-2019 10:60:10'.addDay(0)", "01-Jan-2019 10:00:00"),
    ("'01-Jan-2019 10:10:60'.addDay(0)", "01-Jan-2019 10:10:00"),
    ("isBlank({})", "true"),
    ("{1, 2.50, true, null}", "1,2.5,true,null"),
    ('{{"a":1},"b"}', '{"a":1},b'),
    ('{"Creator":5}', '{"Creator":5}'),
    ('Collection("Creator","Campaigns")', "Creator,Campaigns"),
    ('Collection("a":1)', '{"a":1}'),
    ('"100".toDecimal()', "100"),
    # operators
    ("(7 * 7) + 4", "53"),
    ('"Hello " + "world"', "Hello world"),
    ("5 > 4", "true"),
    ("233.6 < 94.22", "false"),
    ('"a" + null', "anull"),
    ("-7 % 3", "-1"),
    ("7 / 2", "3.5"),
    ("8 / 2", "4"),
    ("0.1 + 0.2", "0.3"),
    ("(86400000 % 86400000) / 3600000", "0"),
    ('1234567890123456789 == "1234567890123456789"', "true"),
    ('null == ""', "false"),
    ('isNull("")', "true"),
    ("2 in {1,2}", "true"),
    ("2 not in {1,2}", "false"),
    # encryption
    ('zoho.encryption.sha256("hello")', "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
    ('zoho.encryption.urlEncode("https://www.zoho.com/creator")', "https%3A%2F%2Fwww.zoho.com%2Fcreator"),
    ("zoho.encryption.urlEncode(5)", "null"),
    ('zoho.encryption.urlDecode("https%3A%2F%2Fwww.zoho.com")', "https://www.zoho.com"),
    ('encodeUrl("a b&c")', "a+b%26c"),
    ('zoho.encryption.base64Encode("größe")', "Z3LDtsOfZQ=="),
    ('zoho.encryption.base64Decode("Z3LDtsOfZQ==")', "größe"),
    ("zoho.encryption.generateRandomUUID().length()", "36"),
    # text
    ('"Zoho Creator".contains("creator ")', "false"),
    ('"Zoho Creator".containsIgnoreCase("creator")', "true"),
    ('"Zoho Creator".startsWithIgnoreCase("zoho")', "true"),
    ('"ID004500F".matches("[A-Z]{2}[0-9]{6}[A-Z]")', "true"),
    ('"Hello world, welcome to the universe".lastIndexOf("e")', "35"),
    ('"Zoho".indexOf("x")', "-1"),
    ('"Zoho".find("h")', "2"),
    ('"Zoho".subString(1,3)', "oh"),
    ('"Zoho".subString(2,2)', ""),
    ('"Zoho".subString(1,-1)', "oho"),
    ('"Zoho Creator".left(4)', "Zoho"),
    ('"Zoho".left(-1)', "Zoho"),
    ('"a".leftpad(3)', "  a"),
    ('"a".leftpad(-3)', "a"),
    ('leftpad("1", 3).replaceAll(" ", "1,").toList().size()', "3"),
    ('"a=b=c".getPrefix("=")', "a"),
    ('"a=b=c".getSuffix("=")', "b=c"),
    ('"abc".getPrefix("=")', "null"),
    ('"a1 b2".getAlpha()', "ab"),
    ('"a1 b-2".getAlphaNumeric()', "a1b2"),
    ('"a1 b2".removeAllAlpha()', "1 2"),
    ('"a1 b-2".removeAllAlphaNumeric()', " -"),
    ('"banana".remove("an")', "ba"),
    ('"banana".removeFirstOccurence("an")', "bana"),
    ('"banana".removeLastOccurence("an")', "bana"),
    ('"banana".removeLastOccurence("x")', "banana"),
    ('"a.b.c".replaceAll(".", "-", true)', "a-b-c"),
    ('"abc".replaceAll(".", "-")', "---"),
    ('"a1b2".replaceFirst("[0-9]", "#")', "a#b2"),
    ('"banana".getOccurenceCount("an")', "2"),
    ('"hELLO wORLD".proper()', "Hello World"),
    ('"ab".repeat(3)', "ababab"),
    ("reverse({1,2,13})", "31,2,1"),
    ('"a,,b".toList().size()', "3"),
    ('"a;b".toList(",").size()', "1"),
    ('"5a6f686f2043726561746f72".hexToText()', "Zoho Creator"),
    ('"Zoho Creator".textToHex()', "5a6f686f2043726561746f72"),
    ('"größe".isAscii()', "false"),
    # numbers
    ("10.1.ceil()", "11"),
    ("10.9.floor()", "10"),
    ("2.5.round()", "3"),
    ("2.345.round(2)", "2.35"),
    ("7.isOdd()", "true"),
    ("{1,5,2,3}.largest()", "5"),
    ("{1,5,2,3}.median()", "2.5"),
    ('{"1","5",2,3}.largest()', "5"),
    ("{1,5,2,3}.nthSmallest(2)", "2"),
    ("5.min(3)", "3"),
    # conversion and checks
    ("99.9.toLong()", "99"),
    ('isText("Hello")', "true"),
    ('isText("123")', "false"),
    ('isText("")', "true"),
    ("isText({1})", "null"),
    ('isNumber("12.5")', "true"),
    ("isDate(5)", "false"),
    ("isDate({1})", "null"),
    ('" ".isNull()', "false"),
    ('" ".isEmpty()', "false"),
    ('isBlank("  ")', "true"),
    ('"{company:Zoho}".toMap()', '{"company":"Zoho"}'),
    ('"[{\\"a\\":1}]".toJSONList().get(0).get("a")', "1"),
    ('"{\\"a\\":{\\"b\\":2}}".getJSON("a").getJSON("b")', "2"),
    ('{"a":1}.getJSON("b")', "null"),
    ('0.toDateTime().toString("yyyy-MM-dd HH:mm")', "1970-01-01 00:00"),
    ("'09-Dec-2020 17:25:24'.toString(\"yyyy-MM-dd'T'HH:mm:ss\")", "2020-12-09T17:25:24"),
    ("'09-Dec-2020 17:25:24'.toString(\"EEEE, d MMMM YYYY h:mm a\")", "Wednesday, 9 December 2020 5:25 PM"),
    ("'09-Dec-2020 17:25:24'.toString(\"b\")", "null"),
    ('"2021/03/04".toDate("yyyy/MM/dd")', "04-Mar-2021"),
    ('"03/04/2021".toDate()', "04-Mar-2021"),
    ('"Mar 04, 2021 10:11:12".toDateTime()', "04-Mar-2021 10:11:12"),
    ('"2021-03-04T10:11:12+02:00".toDateTime()', "04-Mar-2021 08:11:12"),
    # dates
    ("'01-Jan-2019'.addDay(11)", "12-Jan-2019 00:00:00"),
    ("'01-Jan-2019 15:00:00'.addMonth(13)", "01-Feb-2020 15:00:00"),
    ("'01-Jan-2019'.addWeek(10)", "12-Mar-2019 00:00:00"),
    ("'31-Jan-2019'.addMonth(1)", "28-Feb-2019 00:00:00"),
    ("'01-Jan-2019'.subDay(-1)", "02-Jan-2019 00:00:00"),
    ("'15-Mar-2019'.workday(1)", "18-Mar-2019"),
    ("'23-May-2020'.workday(5,{\"Sunday\"},{'25-May-2020'})", "30-May-2020"),
    ("'01-Jan-2019'.edate(11)", "01-Dec-2019"),
    ("'01-Jan-2019'.eomonth(1)", "28-Feb-2019"),
    ("'15-Mar-2019 15:00:00'.toStartOfWeek()", "10-Mar-2019 00:00:00"),
    ("'15-Mar-2019'.getDayOfWeek()", "6"),
    ("'07-Feb-2021'.getWeekOfYear()", "7"),
    ("'01-Jan-2019'.daysBetween('31-Dec-2019')", "364"),
    ("'01-Jan-2019'.days360('31-Dec-2019')", "364"),
    ("'01-Feb-2020'.monthsBetween('01-Mar-2020')", "0"),
    ("'02-Jan-2020'.yearsBetween('01-Jan-2021')", "1"),
    ("'15-Mar-2019'.getMonth()", "3"),
    # lists
    ('{"Creator","CRM",{"Projects","Reports"}}.get(2)', "Projects,Reports"),
    ('{"1",1,1,2,2,3}.distinct()', "1,1,2,3"),
    ('{"b","a","C"}.sort()', "C,a,b"),
    ("{3,1,2}.sort(false)", "3,2,1"),
    ('{1,"a"}.sort()', "null"),
    ("{1,2,3}.subList(1,2)", "2"),
    ("{1,2,3}.intersect({3,4,1})", "1,3"),
    ("{1,2,3}.lastIndexOf(9)", "-1"),
    ('{1,2}.toString("-")', "1-2"),
    # maps and collections
    ('{"a":1}.get("b")', "null"),
    ('{"a":1}.containKey("a")', "true"),
    ('{"a":1,"b":2}.keys()', "a,b"),
    ('Collection("a","b").getKey("b")', "1"),
    ('Collection("a","b").getKey("z")', "-1"),
    ('Collection("k":"v").getKey("z")', "null"),
    ('Collection("k":"v").getLastKey()', "k"),
    # XML
    ('"{\\"address\\":{\\"city\\":\\"Surat\\"}}".executeXPath("/root/address/city")', "<city>Surat</city>"),
    ('"<a><b>1</b></a>".executeXPath("/a/b/text()")', "1"),
    # files
    ('"hi".toFile("a.txt").getFileContent()', "hi"),
    ('"hi".toFile("a.txt").getFileName()', "a.txt"),
    ('"hi".toFile("a.txt").getFileSize()', "2"),
    ('isFile("hi".toFile("a.txt"))', "true"),
]
REFUSED = [
    '"abc".subString(5)',
    '"abc".subString(2,1)',
    '"abc".left(4)',
    '"134A123B".toLong()',
    '"".toLong()',
    '"".toDecimal()',
    '"no map".toMap()',
    "{1,2}.get(-1)",
    "{1,2}.get(2)",
    "{1,2}.remove(5)",
    "{1,2}.subList(0,3)",
    "'32-Jan-2019'.addDay(1)",
    "'31-Feb-2019'.addDay(1)",
    "'01-Foo-2019'.addDay(1)",
    "'011-Jan-2019'.addDay(1)",
    '"13/13/2021".toDate("MM/dd/yyyy")',
    'isDate("no date")',
    "1 / 0",
    "ifnull(nothing, 1)",
    "null.get(1)",
    '"<a>".executeXPath("///")',
    'List:Long().add("x")',
    'Collection("a").insert("k":"v")',
    "if(5, 1, 2)",
]


@pytest.mark.parametrize(("expression", "printed"), EXAMPLES, ids=[example for example, _ in EXAMPLES])
async def test_a_documented_example_holds(sandbox: Sandbox, expression: str, printed: str) -> None:
    ended = await run(sandbox, compile_deluge(f"x = {expression};\ninfo x;"))
    assert not isinstance(ended.end, Failed), ended.end
    assert ended.info == [printed]


@pytest.mark.parametrize("expression", REFUSED)
async def test_what_is_documented_as_an_error_is_one_at_its_line(sandbox: Sandbox, expression: str) -> None:
    ended = await run(sandbox, compile_deluge(f"try {{\ny = {expression};\n}} catch (e) {{ info e.lineNo; throw e; }}"))
    assert ended.fault.code in ("run_failed", "thrown")
    assert ended.info == ["2"]


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("m = {}; info m.isEmpty();", ["true"]),
        ('m = {}; m.put("a", 1); info m;', ['{"a":1}']),
        ("m = {}; m.add(1); info m;", ["1"]),
        ("l = {1}; k = l; k.add(2); info l;", ["1,2"]),
        ("l = {1}; k = l.duplicate(0); k.add(2); info l;", ["1"]),
        ("for each x in {1,2} { } info x;", ["2"]),
        ("for each index i in {5,6} { } info i;", ["1"]),
        ('for each x in "a,b" { info x; }', ["a", "b"]),
        ('for each v in {"k":"v"} { info v; }', ["v"]),
        ('info if(1 == 1, "yes", "no");', ["yes"]),
        ("info ifnull(null, 5);", ["5"]),
        ('if("true") { info 1; }', ["1"]),
        ("if(null) { info 1; } else { info 2; }", ["2"]),
        ('try { throw "no"; } catch (e) { info e; info e.message; info e.toString(); }', ["no", "no", "no"]),
        ('x = Map(); X = map(); x.put("a", 1); info X.isEmpty();', ["true"]),
        ("l = List:Long(); l.add(5); info l;", ["5"]),
    ],
)
async def test_a_documented_rule_of_the_language_holds(sandbox: Sandbox, script: str, printed: list[str]) -> None:
    assert (await run(sandbox, compile_deluge(script))).info == printed


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('x = "a".repeat(100001);', "limit"),
        ('x = "a".leftpad(100001);', "limit"),
        ('x = "a".repeat(90000); y = (x + x + x + x).replaceAll("a", "b");', "limit"),
    ],
)
async def test_a_documented_limit_is_named(sandbox: Sandbox, script: str, said: str) -> None:
    assert said in (await run(sandbox, compile_deluge(script), limits=Limits())).fault.message
