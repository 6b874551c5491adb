"""Expressions: operators by precedence, chains of fields, indexes and calls, literals, task blocks."""

from __future__ import annotations

from decimal import Decimal
from typing import NoReturn

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.cursor import found
from isthmus.functions.deluge.lexer import END, NAME, NUMBER, QUOTED, TEXT, Token
from isthmus.functions.deluge.literals import LARGEST_NUMBER, MAX_DIGITS, has_surrogate, unescape
from isthmus.functions.deluge.named import Named

OR, AND, COMPARISON, SUM, PRODUCT = 1, 2, 3, 4, 5
_PRECEDENCE = {
    "||": OR,
    "&&": AND,
    **dict.fromkeys(("==", "!=", ">", ">=", "<", "<=", "in", "not in"), COMPARISON),
    **dict.fromkeys("+-", SUM),
    **dict.fromkeys("*/%", PRODUCT),
}
_CRITERIA = dict.fromkeys(("contains", "startswith", "endswith", "like"), COMPARISON)
"""Words between two operands in the criteria of a Creator form."""


class Expressions(Named):
    """Reads expressions. Each level of brackets costs three frames, so `MAX_NESTING` levels fit."""

    _links = 0
    _indexes = 0

    def _expression(self, minimum: int = OR) -> tree.Expression:
        """An expression of operators that bind at least as tightly as `minimum`."""
        self._enter(self._token)
        operands = [self._operand(minimum <= COMPARISON)]
        pending: list[tuple[int, tree.Operator]] = []
        while True:
            symbol, length = self._infix()
            precedence = _PRECEDENCE.get(symbol) or _CRITERIA.get(symbol, 0)
            if precedence < minimum:
                break
            operator = tree.Operator(self._token.line, self._token.column, symbol)
            for _ in range(length):
                self._next()
            while pending and pending[-1][0] > precedence:
                self._reduce(operands, pending)
            pending.append((precedence, operator))
            operands.append(self._operand(precedence < COMPARISON))
        while pending:
            self._reduce(operands, pending)
        self._leave()
        return operands[0]

    def _infix(self) -> tuple[str, int]:
        """The operator that comes next and how many tokens it has."""
        token = self._token
        if token.kind == NAME:
            if token.word == "in":
                return "in", 1
            if token.word == "not" and self._peek().word == "in":
                return "not in", 2
            if self._indexes and token.word in _CRITERIA:
                return token.word, 1
            return "", 0
        return token.kind, 1

    def _reduce(self, operands: list[tree.Expression], pending: list[tuple[int, tree.Operator]]) -> None:
        """Make one node of the operators of one precedence that were read last."""
        precedence = pending[-1][0]
        start = len(pending)
        while start and pending[start - 1][0] == precedence:
            start -= 1
        operators = tuple(operator for _, operator in pending[start:])
        del pending[start:]
        parts = tuple(operands[-len(operators) - 1 :])
        del operands[-len(operators) - 1 :]
        first = operators[0]
        if precedence in (OR, AND):
            operands.append(tree.Logical(parts[0].line, parts[0].column, first.symbol, parts))
        elif precedence == COMPARISON:
            if len(operators) > 1:
                second = operators[1]
                self._problems.error(
                    "A comparison cannot be compared again.",
                    code="chained_comparison",
                    at=(second.line, second.column),
                    hint="Join two comparisons with &&.",
                    length=len(second.symbol),
                )
            operands.append(tree.Comparison(first.line, first.column, parts[0], first.symbol, parts[1]))
        else:
            operands.append(tree.Operation(parts[0].line, parts[0].column, parts, operators))

    # --- one operand

    def _operand(self, loose: bool) -> tree.Expression:
        """A primary with signs before it and links behind it. `loose`: a `!` here negates a whole comparison."""
        token = self._token
        if token.kind == "!" and loose:
            self._next()
            return tree.Unary(token.line, token.column, "!", self._expression(COMPARISON))
        if token.kind in ("!", "-", "+"):
            self._next()
            self._enter(token)
            operand = self._operand(False)
            self._leave()
            return tree.Unary(token.line, token.column, token.kind, operand)
        return self._chain(self._primary())

    def _chain(self, target: tree.Expression) -> tree.Expression:
        while True:
            kind = self._token.kind
            if kind == ".":
                self._next()
                target = self._member(target)
            elif kind == "[":
                target = self._index(target)
            else:
                return target
            self._links += 1

    def _member(self, target: tree.Expression) -> tree.Expression:
        name = self._expect(NAME, "after the dot", "Name a function or a field.")
        if self._token.kind == "(":
            return tree.MethodCall(name.line, name.column, target, name.text, self._arguments())
        return tree.Field(name.line, name.column, target, name.text)

    def _index(self, target: tree.Expression) -> tree.Expression:
        opening = self._next()
        self._indexes += 1
        index = self._expression()
        self._indexes -= 1
        self._expect_close(opening, "after the index")
        ordered = self._token.word in ("sort", "range") and self._peek().word in ("by", "from")
        if ordered or isinstance(index, tree.Comparison | tree.Logical):
            return self._creator_query(target)
        return tree.Index(opening.line, opening.column, target, index)

    def _arguments(self) -> tuple[tree.Expression, ...]:
        opening = self._next()
        given: list[tree.Expression] = []
        while self._token.kind != ")":
            value = self._expression()
            given.append(self._entry(value) if self._token.kind == ":" else value)
            if not self._accept(","):
                break
            if self._token.kind == ")":
                self._no_value()
        self._expect_close(opening, "after the arguments")
        return tuple(given)

    def _entry(self, key: tree.Expression) -> tree.Entry:
        self._expect(":", "after the key", "Each entry of a map is key : value.")
        return tree.Entry(key.line, key.column, key, self._expression())

    # --- primaries

    def _primary(self) -> tree.Expression:
        token = self._token
        kind = token.kind
        if kind == NAME:
            return self._named()
        if kind in (TEXT, QUOTED):
            self._next()
            return self._text(token)
        if kind == NUMBER:
            self._next()
            return self._number(token)
        if kind == "(":
            self._next()
            inner = self._expression()
            self._expect_close(token, "after the expression")
            return inner
        if kind == "{":
            return self._braces()
        if kind != "[":
            self._no_value()
        return self._brackets()

    def _no_value(self) -> NoReturn:
        """Refuse what stands where a value must."""
        before, earlier = self._tokens[self._at - 1], self._tokens[self._at - 2]
        hint = "A value is missing before it."
        if self._token.kind == END:
            hint = "The script ends too early."
        elif before.kind == ",":
            hint = "Remove the comma, or write a value."
        elif before.kind == earlier.kind and before.kind in "+-" and before.column == earlier.column + 1:
            hint = f"There is no {2 * before.kind}: write i = i {before.kind} 1;"
        elif before.kind == "==" and self._token.kind == "=":
            hint = "To compare write ==."
        self._refuse(f"Expected a value, found {found(self._token)}.", code="syntax", hint=hint)

    def _text(self, token: Token) -> tree.Text:
        single = token.kind == QUOTED
        value = token.text[1:-1] if single else unescape(token.text)
        if has_surrogate(value):
            self._refuse(
                "The text holds half a character (an unpaired surrogate).",
                code="half_character",
                hint="Write both halves, \\uD83D\\uDE00, or the character itself.",
                token=token,
            )
        return tree.Text(token.line, token.column, value, single)

    def _number(self, token: Token) -> tree.Expression:
        if self._token.kind == NAME and self._token.line == token.line:
            glued = self._token.column == token.column + len(token.text)
            if glued:
                self._refuse(
                    f"A name cannot begin with a digit: {found(token)}.",
                    code="syntax",
                    hint="Numbers are digits with at most one point; names begin with a letter.",
                    token=token,
                )
        digits = token.text.lstrip("0")
        if len(digits) > MAX_DIGITS or ("." not in digits and int(digits or "0") > LARGEST_NUMBER):
            self._refuse(
                f"The number {found(token)} is too large.",
                code="limit_number",
                hint=f"Whole numbers end at {LARGEST_NUMBER}, decimals have at most {MAX_DIGITS} digits.",
                token=token,
            )
        if "." in token.text:
            return tree.DecimalNumber(token.line, token.column, Decimal(token.text))
        return tree.Number(token.line, token.column, int(token.text))

    def _braces(self) -> tree.Expression:
        opening = self._next()
        if self._accept("}"):
            return tree.EmptyLiteral(opening.line, opening.column)
        first = self._expression()
        if self._token.kind == ":":
            entries = [self._entry(first)]
            while self._accept(","):
                entries.append(self._entry(self._expression()))
            self._expect_close(opening, "after the last entry of the map")
            return tree.MapLiteral(opening.line, opening.column, tuple(entries))
        return self._items(opening, first)

    def _brackets(self) -> tree.Expression:
        opening = self._next()
        if self._accept("]"):
            return tree.ListLiteral(opening.line, opening.column, ())
        return self._items(opening, self._expression())

    def _items(self, opening: Token, first: tree.Expression) -> tree.Expression:
        items = [first]
        while self._accept(","):
            items.append(self._expression())
        self._expect_close(opening, "after the last element of the list")
        return tree.ListLiteral(opening.line, opening.column, tuple(items))

    # --- what only Creator has

    def _creator_query(self, target: tree.Expression) -> tree.Expression:
        """`Form[criteria]`, with `sort by` and `range from`: say what it is."""
        form = target.name if isinstance(target, tree.Name) else "Form"
        while self._token.word in ("sort", "range") and self._peek().word in ("by", "from"):
            while self._token.kind in (NAME, NUMBER, ","):
                self._next()
        self._problems.error(
            f"`{form}[...]` reads the records of a Creator form, and there are no forms here.",
            code="creator_only",
            at=(target.line, target.column),
            hint="Fetch the records with invokeurl and a connection.",
            length=len(form),
        )
        return tree.CreatorQuery(target.line, target.column, f"{form}[...]")

    def _insert_into(self) -> tree.CreatorQuery:
        """`insert into Form [ Field = value ... ]`: say what it is, and pass it."""
        token = self._token
        self._problems.error(
            "`insert into` makes a record of a Creator form, and there are no forms here.",
            code="creator_only",
            at=token.at,
            hint="Create the record with invokeurl and a connection.",
            length=len(token.text),
        )
        while self._token.kind in (NAME, "."):
            self._next()
        if self._token.kind == "[":
            self._skip_brackets()
        return tree.CreatorQuery(token.line, token.column, "insert into")
