import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.protocols.urls import add_to_query, decode, encode, query_octets, split

RAW = st.text(st.sampled_from("ab%2fF+&=~;:/@!,'\"|<é."), max_size=20)


@pytest.mark.parametrize(
    ("url", "pairs"),
    [
        ("https://a.example/\r\nX: y", [("a", "b")]),
        ("https://a.example/\x00", [("a", "b")]),
        ("https://a.example/", [("a", "b\r\n")]),
        ("https://a.example/", [("a", "\ud800")]),
    ],
)
def test_control_characters_are_refused(url: str, pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(InputError):
        add_to_query(url, pairs)


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://a.example", "https://a.example?k=v%20%2B%2F"),
        ("https://a.example/?", "https://a.example/?k=v%20%2B%2F"),
        ("https://a.example/?x", "https://a.example/?x&k=v%20%2B%2F"),
        ("https://a.example/a%2Fb?x=%7e+1&&=y#f?k=1", "https://a.example/a%2Fb?x=%7e+1&&=y&k=v%20%2B%2F#f?k=1"),
        ("https://a.example/#f", "https://a.example/?k=v%20%2B%2F#f"),
        ("https://a.example/?k=1&K=2&%6b=3&k&x=1&kk=2", "https://a.example/?x=1&kk=2&k=v%20%2B%2F"),
        ("https://a.example/?k=1", "https://a.example/?k=v%20%2B%2F"),
    ],
)
def test_parameter_is_added_or_replaced_and_the_rest_kept(url: str, result: str) -> None:
    assert add_to_query(url, [("k", "v +/")], replacing=["k"]) == result


@settings(max_examples=500, deadline=None)
@given(RAW, RAW, st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_rest_of_any_url_stays_byte_for_byte(path: str, query: str, value: str) -> None:
    url = add_to_query(f"https://h.example/{path}?{query}#frag", [("key", value)], replacing=["key"])
    address, changed, fragment = split(url)
    assert address == f"https://h.example/{path}"
    assert fragment == "#frag"
    assert changed == (f"{query}&" if query else "") + "key=" + encode(value)
    assert query_octets(changed)[-1] == (b"key", value.encode())


@settings(max_examples=300, deadline=None)
@given(st.binary())
def test_encoding_is_undone_by_decoding(value: bytes) -> None:
    assert decode(encode(value)) == value
