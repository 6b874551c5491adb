"""What the checker judges, and what it leaves alone."""

from __future__ import annotations

import pytest

from isthmus.functions.deluge import check, outline, parse
from isthmus.functions.host import Argument


def codes(source: str, **known: object) -> list[str]:
    return [problem.code for problem in check(source, **known)]  # type: ignore[arg-type]


def test_unknown_connections_are_reported_only_where_the_known_ones_are_given() -> None:
    source = 'r = invokeurl [ url : "https://a.example" connection : "slack" ]; info r;'
    assert codes(source) == []
    assert codes(source, connections=["slack"]) == []
    assert codes(source, connections=[]) == ["unknown_connection"]
    computed = 'c = "sl" + "ack"; r = invokeurl [ url : "https://a.example" connection : c ]; info r;'
    assert codes(computed, connections=[]) == []


def test_unknown_functions_are_reported_only_where_the_known_ones_are_given() -> None:
    source = "standalone.notify(1);"
    assert codes(source) == []
    assert codes(source, functions=["standalone.notify"]) == []
    assert codes(source, functions=["standalone.other"]) == ["unknown_called_function"]
    assert codes("billing.invoice_list(1);", functions=["billing.invoice_list"]) == []


def test_a_function_may_call_itself_with_its_own_number_of_arguments() -> None:
    assert codes("int standalone.f(int n) { return standalone.f(n - 1); }", functions=[]) == []
    assert codes("int standalone.f(int n) { return standalone.f(); }", functions=[]) == ["argument_count"]


def test_a_variable_of_one_branch_may_be_read_afterwards() -> None:
    assert codes("if(true) { x = 1; } info x;") == []
    assert codes("for each n in {1} { y = n; } info y + n;") == []
    assert codes("try { z = 1; } catch (e) { } info z + e;") == []


def test_a_pass_of_a_loop_may_read_what_the_pass_before_assigned() -> None:
    assert codes("for each n in {1,2} { if(n == 2) { info last; } last = n; }") == []
    assert codes("info last; for each n in {1} { last = n; }") == ["used_before_assigned"]


def test_names_are_told_apart_by_case_and_functions_are_not() -> None:
    assert codes("Name = 1; info name;") == ["undefined_variable"]
    assert codes('info "a".TOUPPERCASE().getprefix("A");') == []


def test_after_a_syntax_error_no_name_is_called_undefined() -> None:
    assert codes("x = (1;\ninfo x;") == ["syntax"]
    assert codes('x = (1;\ninfo "a".nope();') == ["syntax", "unknown_function"]


def test_both_spellings_take_the_same_arguments() -> None:
    assert codes('info contains("ab","a"); info "ab".contains("a");') == []
    assert codes('info contains("ab"); info "ab".contains();') == ["argument_count", "argument_count"]
    assert codes("info {3,1}.sort(); info sort({3,1}); info sort({3,1},false);") == []


@pytest.mark.parametrize(
    "source",
    [
        "m = Map(); m = List(); m.add(1);",
        "for each m in {Map(),List()} { m.add(1); }",
        'list standalone.f(map m) { m = m.get("l"); m.add(1); return m; }',
        "m = {}; m.add(1); n = {}; n.put(1,2);",
        'm = invokeurl [ url : "https://a.example" ]; m.put(1,2); m.add(1);',
        'm = "{}".toMap(); m.put(1,2);',
        "c = {1,2}.toCollection(); c.insert(3);",
    ],
)
def test_a_value_whose_type_is_not_sure_is_not_judged(source: str) -> None:
    assert codes(source) == []


def test_the_type_of_a_value_is_followed_through_calls() -> None:
    assert codes('"a,b".toList().put(1,2);') == ["wrong_receiver"]
    assert codes("m = Map(); for each x in m.keys() { info x; }") == []
    assert codes("m = Map(); for each x in m { info x; }") == ["loop_over_map"]


def test_a_variable_can_name_the_method_of_a_task() -> None:
    assert codes('m = "GET"; r = invokeurl [ url : "https://a.example" type : m ]; info r;') == []
    assert codes('r = invokeurl [ url : "https://a.example" type : "post" ]; info r;') == []
    assert codes('r = invokeurl [ url : "https://a.example" type : HEAD ]; info r;') == ["bad_task_constant"]


def test_code_after_the_end_of_every_branch_is_never_reached() -> None:
    assert codes("if(true) { return 1; } else { throw 2; } info 3;") == ["never_reached"]
    assert codes("if(true) { return 1; } info 3;") == []
    assert codes("try { return 1; } catch (e) { return 2; } info 3;") == ["never_reached"]
    assert codes("try { return 1; } catch (e) { info e; } info 3;") == []
    assert codes("for each x in {1} { return x; } info 3;") == []


def test_problems_come_in_the_order_of_the_source() -> None:
    found = check("info a;\nx = (;\ninfo b.nope();\nbreak;\n")
    assert [(p.line, p.column) for p in found] == sorted((p.line, p.column) for p in found)


def test_the_outline_tells_what_a_program_needs_to_know() -> None:
    script = parse(
        "map standalone.sync(string id, bigint n, List items)\n{\n"
        'a = invokeurl [ url : "https://a.example" connection : "one" ];\n'
        'b = invokeurl [ url : "https://a.example" connection : "two" ];\n'
        'c = invokeurl [ url : "https://a.example" connection : "one" ];\n'
        "standalone.notify(a); automation.log(b); standalone.notify(c); info len(id);\nreturn Map();\n}"
    )
    found = outline(script)
    assert (found.name, found.return_type) == ("standalone.sync", "map")
    assert found.arguments == (Argument("id", "string"), Argument("n", "bigint"), Argument("items", "list"))
    assert found.connections == ("one", "two")
    assert found.calls == ("standalone.notify", "automation.log")
    assert outline(parse("info 1;")) == type(found)("", "", (), (), ())
