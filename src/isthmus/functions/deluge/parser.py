"""Statements, and the whole script. After a mistake the parser goes on with the next statement."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.cursor import Refused, TooDeep, found, operator_hint, width
from isthmus.functions.deluge.foreign import FIELD_STATEMENTS, HEADER_TYPES, NOT_IN_DELUGE
from isthmus.functions.deluge.header import BEGINNINGS, RESERVED, Headed
from isthmus.functions.deluge.lexer import END, NAME, NUMBER, QUOTED, TEXT, Token, TooLarge, tokenize
from isthmus.functions.deluge.problems import Problems, TooManyProblems
from isthmus.functions.deluge.tree import MAX_NESTING

ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "%="})


def parse_source(source: str, arguments: Collection[str] = ()) -> tree.Script:
    """The tree of a source; what is wrong with it is in `problems`. Never raises for bad source.

    `arguments` are those that a script without a header is declared to take: `email.trim()` is then a call on a value.
    """
    problems = Problems(source)
    header: tree.Header | None = None
    body: tree.Block = ()
    with suppress(TooLarge, TooDeep, TooManyProblems):
        header, body = Parser(tokenize(source, problems), problems, arguments).script()
    return tree.Script(1, 1, header, body, tuple(sorted(problems.found, key=lambda p: (p.line, p.column))))


class Parser(Headed):
    """Reads statements. A level of blocks costs three frames."""

    def __init__(self, tokens: list[Token], problems: Problems, arguments: Collection[str]) -> None:
        super().__init__(tokens, problems)
        self._assigned = _assigned(tokens).union(arguments)

    def script(self) -> tuple[tree.Header | None, tree.Block]:
        if self._is_header():
            return self._function()
        statements: list[tree.Statement] = []
        while self._token.kind != END:
            if self._token.kind == "}":
                self._problems.error(
                    "There is no block that this } closes.", code="syntax", at=self._token.at, hint="Remove it."
                )
                self._next()
                continue
            self._collect(statements)
        return None, tuple(statements)

    # --- blocks and recovery

    def _block(self, owner: str) -> tree.Block:
        if self._token.kind != "{":
            self._refuse(
                f"Expected {{ after {owner}, found {found(self._token)}.",
                code="syntax",
                hint="A block stands in { }, even a single statement.",
            )
        opening = self._next()
        self._enter(opening)
        statements: list[tree.Statement] = []
        while self._token.kind not in ("}", END):
            self._collect(statements)
        self._leave()
        if not self._accept("}"):
            self._problems.error(
                f"The {{ after {owner} is not closed.", code="unclosed_block", at=opening.at, hint="Put } at its end."
            )
        return tuple(statements)

    def _collect(self, statements: list[tree.Statement]) -> None:
        """Read one statement into the list; if it cannot be read, go to where the next begins."""
        depth, start = self._depth, self._at
        self._deepest, self._links, self._indexes = depth, 0, 0
        first = self._token
        try:
            statement = self._statement()
        except Refused:
            self._depth = depth
            self._recover(start)
            return
        if statement is None:
            return
        if self._deepest + self._links > MAX_NESTING:
            self._measure(statement, first)
        statements.append(statement)

    def _measure(self, statement: tree.Statement, first: Token) -> None:
        """Refuse a statement whose tree is deeper than the limit: chains of calls within calls add up."""
        waiting: list[tuple[tree.Node, int]] = [(statement, self._depth)]
        while waiting:
            node, depth = waiting.pop()
            if depth > MAX_NESTING + 5:
                self._too_deep(first)
            waiting.extend((child, depth + 1) for child in tree.children(node))

    def _recover(self, start: int) -> None:
        """Pass what is left of a statement: to behind its `;`, behind its block, to the end of the block around it, or
        to a new line that begins another."""
        kinds = [token.kind for token in self._tokens[start : self._at]]
        opened = depth = max(0, kinds.count("{") - kinds.count("}"))
        if not kinds:
            self._next()
        while self._token.kind != END:
            token = self._token
            if depth <= opened and ((token.kind == "}" and depth == 0) or self._begins(token)):
                return
            self._next()
            if token.kind == "{":
                depth += 1
            elif token.kind == "}":
                depth -= 1
                if depth == opened == 0 and self._token.word != "else":
                    return
            elif token.kind == ";" and depth <= opened:
                return

    def _begins(self, token: Token) -> bool:
        """Whether a token that is first on its line begins a statement."""
        if token.kind != NAME or self._tokens[self._at - 1].line == token.line:
            return False
        return token.word in BEGINNINGS or self._peek().kind in ASSIGNMENTS

    def _end(self, what: str) -> None:
        """Pass the `;` of a statement. A missing one at the end of a line is reported and thought there."""
        if self._accept(";"):
            return
        token, before = self._token, self._tokens[self._at - 1]
        at = (before.line, before.column + len(before.text))
        if "\n" in before.text:
            at = token.at
        if token.kind in ("}", END) or token.line > before.line:
            self._problems.error(f"Missing ; after {what}.", code="missing_semicolon", at=at, hint="Write ; here.")
            return
        hint = operator_hint(token) or "Write ; before it, or the operator that is missing."
        self._refuse(f"Expected ; after {what}, found {found(token)}.", code="syntax", hint=hint)

    # --- statements

    def _statement(self) -> tree.Statement | None:
        token = self._token
        if token.kind == ";":
            self._next()
            return None
        if token.kind == NAME:
            reader = _READERS.get(token.word)
            if reader is not None and (token.word in RESERVED or self._leads()):
                return reader(self)
            if token.word in NOT_IN_DELUGE and self._peek().kind in (NAME, NUMBER, TEXT, QUOTED, "(", "{"):
                self._foreign(token)
                return None
            self._check_declaration(token)
        return self._simple()

    def _leads(self) -> bool:
        """Whether a word that is no reserved one leads a statement here, and does not name a variable."""
        return self._peek().kind not in (*ASSIGNMENTS, ".")

    def _simple(self) -> tree.Statement | None:
        """An assignment, a call or a task."""
        first = self._token
        target = self._expression()
        token = self._token
        if token.kind in ASSIGNMENTS:
            return self._assignment(target, first)
        if isinstance(target, tree.Task):
            self._accept(";")
            return tree.Evaluate(target.line, target.column, target)
        if not isinstance(target, tree.Call | tree.MethodCall | tree.CreatorQuery):
            if isinstance(target, tree.Name) and token.kind == NAME and token.line == first.line:
                self._refuse(
                    f"`{first.text} {token.text}` is no statement.",
                    code="syntax",
                    hint="A statement is an assignment, a call, a task, or begins with a word of the language.",
                    token=first,
                )
            self._end("the expression")
            self._problems.error(
                "The value is neither assigned nor used.",
                code="no_statement",
                at=first.at,
                hint="Assign it (name = ...;), print it (info ...;) or return it.",
                length=width(first),
            )
            return None
        self._end("the call")
        return tree.Evaluate(target.line, target.column, target)

    def _assignment(self, target: tree.Expression, first: Token) -> tree.Statement:
        if isinstance(target, tree.Name):
            self._check_free(first)
        elif not isinstance(target, tree.Field | tree.Index):
            self._refuse(
                "Only a variable, a field or an element can be assigned.",
                code="bad_target",
                hint="Write name = value; or name.field = value;",
                token=first,
            )
        operator = self._next()
        value = self._expression()
        if isinstance(value, tree.Task):
            self._accept(";")
        elif self._token.kind in ASSIGNMENTS:
            self._refuse("One statement assigns once.", code="syntax", hint="To compare write ==.")
        else:
            self._end("the assignment")
        return tree.Assign(first.line, first.column, target, operator.kind, value)

    def _variable(self, where: str) -> tree.Name:
        name = self._expect(NAME, where, "Name a variable.")
        self._check_free(name)
        return tree.Name(name.line, name.column, name.text)

    def _if(self) -> tree.Statement:
        first = self._token
        branches = [self._branch()]
        otherwise: tree.Block | None = None
        while self._token.word == "else":
            word = self._next()
            if self._token.word == "if":
                branches.append(self._branch(word))
                continue
            otherwise = self._block("else")
            break
        return tree.If(first.line, first.column, tuple(branches), otherwise)

    def _branch(self, first: Token | None = None) -> tree.Branch:
        word = self._next()
        condition = self._condition()
        begin = first or word
        return tree.Branch(begin.line, begin.column, condition, self._block("the condition"))

    def _condition(self) -> tree.Expression:
        """What stands in brackets after `if`. One that cannot be read leaves a gap, and the block is read all the same."""
        opening = self._expect("(", "after if", "The condition stands in ( ).")
        depth, start = self._depth, self._at
        try:
            condition = self._expression()
            self._expect_close(opening, "after the condition")
        except Refused:
            self._depth, self._indexes = depth, 0
            self._back_to(start - 1)
            self._skip_brackets(until="{;")
            if self._token.kind != "{":
                raise
            return tree.Null(opening.line, opening.column)
        return condition

    def _else(self) -> tree.Statement:
        self._refuse("This else has no if before it.", code="syntax", hint="else follows the block of an if.")

    def _for(self) -> tree.Statement | None:
        first = self._next()
        if self._token.word != "each":
            self._back_to(self._at - 1)
            self._foreign(first)
            return None
        self._next()
        return self._loop(first)

    def _foreach(self) -> tree.Statement | None:
        """`foreach x in ...` is told, and read as what it means."""
        first = self._token
        if self._peek().kind != NAME:
            self._foreign(first)
            return None
        self._report_foreign(self._next())
        return self._loop(first)

    def _loop(self, first: Token) -> tree.Statement:
        by_index = self._token.word == "index" and self._peek().word != "in"
        if by_index:
            self._next()
        variable = self._variable("after for each")
        if not self._accept_word("in"):
            self._refuse(
                f"Expected `in` after the loop's variable, found {found(self._token)}.",
                code="syntax",
                hint="Write for each name in list { ... }.",
            )
        iterable = self._expression()
        if self._token.word == "to":
            self._refuse(
                "A loop from one number to another is not in Deluge: use for each over a list.",
                code="not_in_deluge",
                hint='For n passes: for each index i in leftpad("1",n).replaceAll(" ","1,").toList() { ... }.',
            )
        body = self._block("the head of the loop")
        return tree.ForEach(first.line, first.column, variable, iterable, body, by_index)

    def _try(self) -> tree.Statement:
        first = self._next()
        body = self._block("try")
        if not self._accept_word("catch"):
            self._refuse(
                f"Expected catch after the block of try, found {found(self._token)}.",
                code="syntax",
                hint="Write catch (e) { ... }.",
            )
        opening = self._expect("(", "after catch", "Write catch (e) { ... }.")
        variable = self._variable("in catch")
        self._expect_close(opening, "after the error's name")
        return tree.Try(first.line, first.column, body, variable, self._block("catch"))

    def _throw(self) -> tree.Statement:
        first = self._next()
        value = self._expression()
        self._end("throw")
        return tree.Throw(first.line, first.column, value)

    def _return(self) -> tree.Statement:
        first = self._next()
        if self._accept(";"):
            return tree.Return(first.line, first.column, None)
        if self._token.kind in ("}", END):
            self._end("return")
            return tree.Return(first.line, first.column, None)
        value = self._expression()
        if not (isinstance(value, tree.Task) and self._token.kind != ";"):
            self._end("return")
        return tree.Return(first.line, first.column, value)

    def _info(self) -> tree.Statement:
        first = self._next()
        value = self._expression()
        if not (isinstance(value, tree.Task) and self._token.kind != ";"):
            self._end("info")
        return tree.Info(first.line, first.column, value)

    def _break(self) -> tree.Statement:
        first = self._next()
        self._end("break")
        return tree.Break(first.line, first.column)

    def _continue(self) -> tree.Statement:
        first = self._next()
        self._end("continue")
        return tree.Continue(first.line, first.column)


def _assigned(tokens: list[Token]) -> frozenset[str]:
    """The names that get a value somewhere: before an assignment, behind `each` and `catch (`, in the header."""
    names: set[str] = set()
    before = tokens[0]
    for at, token in enumerate(tokens):
        if token.kind in ASSIGNMENTS:
            names.add(before.text)
        elif token.kind == NAME and at:
            follows = before.word in ("each", "index") or (before.kind == "(" and tokens[at - 2].word == "catch")
            declared = before.word in HEADER_TYPES and tokens[at + 1].kind in (",", ")")
            if follows or declared:
                names.add(token.text)
        before = token
    return frozenset(names)


_READERS: dict[str, Callable[[Parser], tree.Statement | None]] = {
    "if": Parser._if,
    "else": Parser._else,
    "for": Parser._for,
    "foreach": Parser._foreach,
    "try": Parser._try,
    "throw": Parser._throw,
    "return": Parser._return,
    "info": Parser._info,
    "break": Parser._break,
    "continue": Parser._continue,
    "insert": Parser._insert,
    "delete": Parser._delete,
    "cancel": Parser._cancel,
    "alert": Parser._alert,
    **dict.fromkeys(FIELD_STATEMENTS - RESERVED, Parser._field_statement),
}
