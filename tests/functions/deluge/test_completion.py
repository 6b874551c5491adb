"""What is offered where. The cursor stands at the | of the source."""

from __future__ import annotations

from isthmus.functions.deluge.completion import Item, complete

LINKS = ("github", "slack")


def offered(marked: str) -> dict[str, Item]:
    before, _, after = marked.partition("|")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    found = complete(before + after, line, column, connections=LINKS, functions=("standalone.notify",))
    return {item.label: item for item in found}


def test_nothing_is_offered_in_comments_and_texts() -> None:
    assert offered("// info |") == {}
    assert offered('x = 1; // "a".|') == {}
    assert offered("/* x|") == {}
    assert offered('x = "in|') == {}
    assert offered("x = 'in|';") == {}


def test_methods_fit_the_type_of_the_value() -> None:
    text = offered('"abc".|')
    assert "getPrefix" in text
    assert "put" not in text
    m = offered("m = Map();\nm.|\ninfo m;")
    assert {"put", "get", "keys", "containKey", "toString"} <= set(m)
    assert "getPrefix" not in m
    unknown = offered("unknown.|")
    assert {"put", "getPrefix", "addDay", "setParamName"} <= set(unknown)


def test_the_word_before_the_cursor_narrows_what_is_offered() -> None:
    found = offered('"abc".getp|')
    assert set(found) == {"getPrefix", "getPrefixIgnoreCase"}
    item = found["getPrefix"]
    assert item.kind == "method"
    assert item.detail == "text.getPrefix(mark: text) -> text"
    assert item.insert_text == "getPrefix("
    assert "before the first mark" in item.documentation
    assert "```deluge" in item.documentation
    assert offered('"abc".length|')["length"].insert_text == "length()"


def test_zoho_names_are_completed_part_by_part() -> None:
    first = offered("x = zoho.|")
    assert {"currentdate", "currenttime", "loginuserid", "encryption"} <= set(first)
    assert "sha256" in offered("x = zoho.encryption.sh|")
    assert "currentdate" not in offered("x = zoho.encryption.|")
    assert set(offered("x = zoho.encryption.base64D|")) == {"base64Decode"}


def test_methods_fit_the_value_of_a_chain() -> None:
    for value in (
        "zoho.currentdate",
        'Map().get("a").toString().toDate()',
        "(today)",
        "today",
        "{today}.get(0).addDay(1)",
    ):
        found = offered(f"today = zoho.currentdate;\ninfo {value}.|;")
        assert "addMonth" in found, value
        assert "putAll" not in found, value
    assert "getSuffix" not in offered("today = zoho.currentdate;\nreturn (today).|")
    assert "round" in offered("n = 5;\ninfo n.|")
    keys = offered("for each key in Map().keys().|\n{ }")
    assert "distinct" in keys
    assert "getPrefix" not in keys
    assert "getPrefix" in offered("info {1, 2).|")


def test_task_keys_are_offered_where_a_key_can_stand_and_only_once() -> None:
    keys = offered('r = invokeurl\n[\n\turl : "https://a.example"\n\t|\n];')
    assert {"type", "headers", "connection", "detailed", "content-type"} <= set(keys)
    assert "url" not in keys
    assert keys["type"].insert_text == "type : "
    assert keys["type"].kind == "key"
    assert "from" in offered("sendmail\n[\n\t|")
    assert "reply to" not in offered('sendmail [ reply to : "a" |')


def test_constants_are_offered_behind_their_key() -> None:
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(offered('r = invokeurl [ url : "x" type : |'))
    assert set(offered('r = invokeurl [ url : "x" type : PO|')) >= {"POST"}
    assert "GET" not in offered("x = |")


def test_link_names_are_offered_behind_connection() -> None:
    quoted = offered('r = invokeurl [ url : "x" connection : "|')
    assert set(quoted) == set(LINKS)
    assert quoted["slack"].insert_text == "slack"
    assert set(offered('r = invokeurl [ url : "x" connection : "sl|" ]')) == {"slack"}
    bare = offered('r = invokeurl [ url : "x" connection : |')
    assert bare["slack"].insert_text == '"slack"'
    assert offered('r = invokeurl [ url : "|') == {}
    assert offered('x = "|') == {}


def test_variables_functions_and_words_are_offered_elsewhere() -> None:
    found = offered("customers = List();\nfor each customer in customers\n{\n\tcus|\n}")
    assert set(found) == {"customers", "customer"}
    assert found["customers"].detail == "list"
    start = offered("|")
    assert {"for each", "if", "invokeurl", "Map", "ifnull", "standalone.notify"} <= set(start)
    assert start["invokeurl"].insert_text.startswith("invokeurl\n[")
    in_value = offered("x = |")
    assert "for each" not in in_value
    assert {"null", "Map", "standalone.notify"} <= set(in_value)


def test_a_place_outside_the_source_is_no_fault() -> None:
    for line, column in ((1, 1), (5, 1), (1, 99), (99, 99)):
        complete("x = 1;\n", line, column)
    complete("", 1, 1)
    complete("(" * 200_000, 1, 150_001)
