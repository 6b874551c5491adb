"""Hover and definitions. The place is the | of the source."""

from __future__ import annotations

from isthmus.functions.deluge.navigation import Definition, Hover, definition, hover

TASK = 'r = invokeurl\n[\n\turl : "https://a.example"\n\ttype : GET\n\tconnection : "slack"\n];\n'


def place(marked: str) -> tuple[str, int, int]:
    before, _, after = marked.partition("|")
    return before + after, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def over(marked: str, connections: tuple[str, ...] | None = None) -> Hover | None:
    return hover(*place(marked), connections=connections)


def text(marked: str, connections: tuple[str, ...] | None = None) -> str:
    found = over(marked, connections)
    assert found is not None
    return found.text


def test_nothing_is_said_where_nothing_stands() -> None:
    assert over("|  x = 1;") is None
    assert over('x = "te|xt";') is None
    assert over("// get|Prefix") is None
    assert over("") is None
    assert definition(*place('info "a".getPre|fix("b");')) is None
    assert definition(*place("info un|known;")) is None


def test_a_method_is_told_with_signature_and_example() -> None:
    found = over('x = "a@b".getPre|fix("@");')
    assert found is not None
    assert "`text.getPrefix(mark: text) -> text`" in found.text
    assert "```deluge\ninfo" in found.text
    assert (found.line, found.column, found.end_column) == (1, 11, 20)


def test_of_several_entries_the_one_for_the_value_is_told() -> None:
    assert "map.get(" in text('m = Map(); info m.g|et("a");')
    assert "list.get(" not in text('m = Map(); info m.g|et("a");')
    both = text("for each y in {Map(),List()} { info y.g|et(0); }")
    assert "map.get(" in both
    assert "list.get(" in both


def test_tasks_keys_connections_and_system_variables_are_told() -> None:
    assert "Calls a URL" in text("r = invoke" + "|" + TASK[len("r = invoke") :])
    assert "the method, as a bare word" in text(TASK.replace("type", "ty|pe")).lower()
    assert text(TASK.replace('"slack"', '"sl|ack"')) == "Connection `slack`."
    assert text(TASK.replace('"slack"', '"sl|ack"'), ("github",)) == "There is no connection `slack`."
    assert "present date" in text("info zoho.curr|entdate;")
    assert "SHA256" in text('info zoho.encryption.sh|a256("x");')


def test_a_variable_is_told_with_type_and_first_line() -> None:
    assert text("\nm = Map();\ninfo m|;") == "`m` (map), first assigned in line 2."
    assert text("void f.g(string name)\n{\n\tinfo na|me;\n}") == "`name` (text), first assigned in line 1."


def test_a_variable_is_defined_where_it_first_gets_a_value() -> None:
    source = "void f.g(list all)\n{\n\tfor each one in all\n\t{\n\t\ttotal = one;\n\t}\n\tinfo total + one;\n}"
    assert definition(source, 7, 8) == Definition(5, 3, 8)
    assert definition(source, 7, 15) == Definition(3, 11, 14)
    assert definition(source, 3, 18) == Definition(1, 15, 18)


def test_another_function_is_named() -> None:
    assert definition(*place("info standalone.no|tify(1);")) == Definition(function="standalone.notify")
