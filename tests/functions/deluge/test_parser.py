"""Every form of the grammar, and the tree that it becomes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from isthmus.functions.deluge import parse, tree


def statements(source: str) -> tree.Block:
    script = parse(source)
    assert script.problems == (), script.problems[0].message
    return script.body


def value(expression: str) -> Any:
    (statement,) = statements(f"info {expression};")
    assert isinstance(statement, tree.Info)
    return statement.value


def shape(node: Any) -> Any:
    """A node as nested tuples, without places."""
    if isinstance(node, tree.Node):
        parts = [getattr(node, name) for name in type(node).__dataclass_fields__ if name not in ("line", "column")]
        return (type(node).__name__, *(shape(part) for part in parts))
    if isinstance(node, tuple):
        return [shape(part) for part in node]
    return node


def told(expression: str) -> str:
    """An expression with brackets around every operation, so that precedence shows."""
    return _told(value(expression))


def _told(node: Any) -> str:
    if isinstance(node, tree.Operation):
        text = _told(node.operands[0])
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            text = f"({text}{operator.symbol}{_told(operand)})"
        return text
    if isinstance(node, tree.Logical):
        return "(" + node.operator.join(map(_told, node.operands)) + ")"
    if isinstance(node, tree.Comparison):
        return f"({_told(node.left)} {node.operator} {_told(node.right)})"
    if isinstance(node, tree.Unary):
        return f"({node.operator}{_told(node.operand)})"
    if isinstance(node, tree.MethodCall):
        return f"{_told(node.target)}.{node.name}({','.join(map(_told, node.arguments))})"
    if isinstance(node, tree.Call):
        return f"{node.name}({','.join(map(_told, node.arguments))})"
    if isinstance(node, tree.Field):
        return f"{_told(node.target)}.{node.name}"
    if isinstance(node, tree.Index):
        return f"{_told(node.target)}[{_told(node.index)}]"
    return "null" if isinstance(node, tree.Null) else str(getattr(node, "name", getattr(node, "value", node)))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b * c", "(a+(b*c))"),
        ("a - b - c", "((a-b)-c)"),
        ("a / b * c % d", "(((a/b)*c)%d)"),
        ("(a + b) * c", "((a+b)*c)"),
        ("a || b && c", "(a||(b&&c))"),
        ("a && b || c && d", "((a&&b)||(c&&d))"),
        ("a || b || c", "(a||b||c)"),
        ("!a == b", "(!(a == b))"),
        ("!a && b", "((!a)&&b)"),
        ("a == !b", "(a == (!b))"),
        ("a + b > c * d", "((a+b) > (c*d))"),
        ("a != null && a.length() > 0", "((a != null)&&(a.length() > 0))"),
        ("-a.abs()", "(-a.abs())"),
        ("-a + b", "((-a)+b)"),
        ("a - -b", "(a-(-b))"),
        ("a in b", "(a in b)"),
        ("a not in b && c", "((a not in b)&&c)"),
        ("a.b.c", "a.b.c"),
        ("a[0][b + 1].c(d)", "a[0][(b+1)].c(d)"),
        ("a <= b", "(a <= b)"),
        ("!(a >= b)", "(!(a >= b))"),
        ("!!a", "(!(!a))"),
    ],
)
def test_precedence(expression: str, expected: str) -> None:
    assert told(expression) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r'"a\"b\\c\n\t\r\/"', 'a"b\\c\n\t\r/'),
        (r'"\u00e9\uD83D\uDE00"', "é😀"),
        (r'"\{ \} \' \$ \< \. \d \s \u12"', r"\{ \} \' \$ \< \. \d \s \u12"),
        (r'"\\$[0-9]+\\.[0-9]{2}"', r"\$[0-9]+\.[0-9]{2}"),
        ('"two\nlines"', "two\nlines"),
        (r"'^(-?\d+)$'", r"^(-?\d+)$"),
        ("'\"'", '"'),
        ('""', ""),
    ],
)
def test_text_escapes(written: str, expected: str) -> None:
    assert value(written).value == expected


def test_single_quotes_are_marked_and_left_to_the_compiler() -> None:
    assert shape(value("'01-Jan-2019 15:00:00'")) == ("Text", "01-Jan-2019 15:00:00", True)
    assert shape(value('"01-Jan-2019"')) == ("Text", "01-Jan-2019", False)


def test_numbers_keep_every_digit() -> None:
    assert value("4846491000003631379").value == 4846491000003631379
    assert value("0.10").value == Decimal("0.10")
    assert shape(value("5.toString()"))[:2] == ("MethodCall", ("Number", 5))
    assert value("007").value == 7


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("TRUE", ("Boolean", True)),
        ("null", ("Null",)),
        ("{}", ("EmptyLiteral",)),
        ("[]", ("ListLiteral", [])),
        ("{1,[2]}", ("ListLiteral", [("Number", 1), ("ListLiteral", [("Number", 2)])])),
        ('{"a" : 1, b : 2}', ("MapLiteral", [("Entry", ("Text", "a", False), ("Number", 1)), ("Entry", ("Name", "b"), ("Number", 2))])),
        ("List:String()", ("TypedList", "string")),
        ("LIST()", ("Call", "LIST", [])),
        ('collection("k":v)', ("Call", "collection", [("Entry", ("Text", "k", False), ("Name", "v"))])),
        ("if(a,1,if(b,2,3))", ("Conditional", ("Name", "a"), ("Number", 1), ("Conditional", ("Name", "b"), ("Number", 2), ("Number", 3)))),
        ("zoho.CurrentDate", ("SystemVariable", "zoho.currentdate")),
        ("zoho.device.type", ("SystemVariable", "zoho.device.type")),
        ("zoho.currentdate.addDay(1)", ("MethodCall", ("SystemVariable", "zoho.currentdate"), "addDay", [("Number", 1)])),
        ('zoho.encryption.SHA256("x")', ("Call", "zoho.encryption.sha256", [("Text", "x", False)])),
        ("Standalone.notify(1)", ("Call", "standalone.notify", [("Number", 1)])),
        ("thisapp.ns.fn()", ("Call", "thisapp.ns.fn", [])),
        ("größe", ("Name", "größe")),
    ],
)  # fmt: skip
def test_primaries(written: str, expected: Any) -> None:
    assert shape(value(written)) == expected


def test_a_name_that_is_assigned_is_a_variable_before_a_dot_and_another_belongs_to_a_function() -> None:
    _, second, third = statements("m = Map(); info m.get(1); info billing.total(1);")
    assert isinstance(second, tree.Info)
    assert isinstance(third, tree.Info)
    assert shape(second.value)[0] == "MethodCall"
    assert shape(third.value) == ("Call", "billing.total", [("Number", 1)])


@pytest.mark.parametrize("operator", ["=", "+=", "-=", "*=", "/=", "%="])
def test_assignments(operator: str) -> None:
    (statement,) = statements(f"a {operator} 1;")
    assert shape(statement) == ("Assign", ("Name", "a"), operator, ("Number", 1))


def test_assignments_to_fields_and_elements() -> None:
    field, element, deep = statements('rec.Name = 1; rec["Name"] = 2; rec.a.b[0] = 3;')
    assert shape(field)[1] == ("Field", ("Name", "rec"), "Name")
    assert shape(element)[1] == ("Index", ("Name", "rec"), ("Text", "Name", False))
    assert shape(deep)[1][0] == "Index"


def test_if_is_flat_and_blocks_nest() -> None:
    (statement,) = statements("IF(a) { x = 1; } else if (b) { } Else If (c) { if(d) { } } else { y = 2; }")
    assert isinstance(statement, tree.If)
    assert len(statement.branches) == 3
    assert statement.otherwise is not None
    assert len(statement.otherwise) == 1


def test_the_forms_of_for_each() -> None:
    plain, index, named_index = statements(
        "for each x in {1} { break; } for each index i in l { continue; } for each index in l { info index; }"
    )
    assert isinstance(plain, tree.ForEach)
    assert not plain.by_index
    assert isinstance(plain.body[0], tree.Break)
    assert isinstance(index, tree.ForEach)
    assert index.by_index
    assert isinstance(index.body[0], tree.Continue)
    assert isinstance(named_index, tree.ForEach)
    assert (named_index.variable.name, named_index.by_index) == ("index", False)


def test_try_throw_and_return() -> None:
    attempt, bare, task = statements('try { throw "x"; } catch (e) { info e; } return; return invokeurl [url:"a"];')
    assert isinstance(attempt, tree.Try)
    assert attempt.variable.name == "e"
    assert isinstance(attempt.body[0], tree.Throw)
    assert shape(bare) == ("Return", None)
    assert shape(task)[1][0] == "Task"


TASK = """r = InvokeURL
[
	URL : "https://a.example/" + id
	Type: post
	parameters:m.toString()
	content-type :"application/json"
	response-format:FILE
	connection:"c"
	detailed:true
];"""


def test_task_keys_are_divided_by_white_space() -> None:
    (statement,) = statements(TASK)
    assert isinstance(statement, tree.Assign)
    task = statement.value
    assert isinstance(task, tree.Task)
    assert task.name == "invokeurl"
    keys = [entry.key for entry in task.entries]
    assert keys == ["url", "type", "parameters", "content-type", "response-format", "connection", "detailed"]
    assert shape(task.entries[1].value) == ("Constant", "POST")
    assert shape(task.entries[4].value) == ("Constant", "FILE")


def test_a_task_on_one_line_and_the_keys_of_sendmail() -> None:
    (statement,) = statements(
        'sendmail [ from : zoho.adminuserid to : "a" Reply To : "b" subject : "s" message : "m" Attachments : file:f, file:g ]'
    )
    assert isinstance(statement, tree.Evaluate)
    task = statement.expression
    assert isinstance(task, tree.Task)
    assert [entry.key for entry in task.entries] == ["from", "to", "reply to", "subject", "message", "attachments"]
    assert shape(task.entries[-1].value) == ("ListLiteral", [("Name", "f"), ("Name", "g")])


def test_the_header_names_arguments_and_types() -> None:
    script = parse("String standalone.hello(string name, Map data, int n)\n{\n\treturn name;\n}\n")
    assert script.problems == ()
    assert shape(script.header) == (
        "Header",
        "string",
        "standalone.hello",
        [("Parameter", "string", "name"), ("Parameter", "map", "data"), ("Parameter", "int", "n")],
    )
    assert len(script.body) == 1


def test_words_of_the_language_that_may_name_variables() -> None:
    names = "info break continue try catch throw each index insert into delete url type show alert cancel".split()
    for name in names:
        assert parse(f"{name} = 1; {name}.put(1,2); info {name};").problems == (), name


def test_comments_and_white_space_mean_nothing() -> None:
    spaced = statements("// a\n\n/* b\n */ x\t= /* c */ 1 ; // d")
    assert shape(spaced) == shape(statements("x=1;"))
    assert shape(statements('u = "http://a"; // "')) == shape(statements('u="http://a";'))


def test_every_node_says_where_it_stands() -> None:
    (statement,) = statements('x =\n  a.get("k") + 1;')
    assert (statement.line, statement.column) == (1, 1)
    assert isinstance(statement, tree.Assign)
    operation = statement.value
    assert isinstance(operation, tree.Operation)
    call = operation.operands[0]
    assert isinstance(call, tree.Call)
    assert (call.line, call.column) == (2, 3)
    assert (operation.operators[0].line, operation.operators[0].column) == (2, 14)


def test_windows_line_ends_and_tabs_do_not_move_places() -> None:
    script = parse("a = 1;\r\n\tb = ;\r\n")
    (problem,) = script.problems
    assert (problem.line, problem.column) == (2, 6)
    assert problem.excerpt == "\tb = ;\n\t    ^"


def test_walk_finds_every_node_in_order() -> None:
    script = parse('if(a) { b = {"k":c}; } for each d in e { info f(g).h; }')
    assert [node.name for node in tree.walk(script) if isinstance(node, tree.Name)] == list("abcdeg")
