"""Numbers."""

from isthmus.functions.deluge.entries import Builtin, entry

# fmt: off

_N = "number|decimal"

ENTRIES: tuple[Builtin, ...] = (
    entry(f"{_N}.abs() -> decimal", "The number without its sign.", "info (-3).abs();", "3"),
    entry(f"{_N}.ceil() -> number", "The next whole number above.", "info 10.1.ceil();", "11"),
    entry(f"{_N}.floor() -> number", "The next whole number below.", "info 10.9.floor();", "10"),
    entry(f"{_N}.round(digits?: number) -> decimal", "Rounded, half up, to so many digits after the point; to none unless given.", "info 3.14159.round(2);", "3.14"),
    entry(f"{_N}.sqrt() -> decimal", "The square root.", "info 16.sqrt();", "4"),
    entry(f"{_N}.power(exponent: {_N}) -> decimal", "The number raised to the exponent.", "info 2.power(10);", "1024"),
    entry(f"{_N}.exp() -> decimal", "The number e raised to this power.", "info 0.exp();", "1"),
    entry(f"{_N}.log() -> decimal", "The natural logarithm.", "info 1.log();", "0"),
    entry(f"{_N}.log10() -> decimal", "The logarithm to base 10.", "info 1000.log10();", "3"),
    entry(f"{_N}.sin() -> decimal", "The sine of an angle in radians.", "info 0.sin();", "0"),
    entry(f"{_N}.cos() -> decimal", "The cosine of an angle in radians.", "info 0.cos();", "1"),
    entry(f"{_N}.tan() -> decimal", "The tangent of an angle in radians.", "info 0.tan();", "0"),
    entry(f"{_N}.asin() -> decimal", "The angle in radians with this sine.", "info 0.asin();", "0"),
    entry(f"{_N}.acos() -> decimal", "The angle in radians with this cosine.", "info 1.acos();", "0"),
    entry(f"{_N}.atan() -> decimal", "The angle in radians with this tangent.", "info 0.atan();", "0"),
    entry(f"{_N}.sinh() -> decimal", "The hyperbolic sine.", "info 0.sinh();", "0"),
    entry(f"{_N}.cosh() -> decimal", "The hyperbolic cosine.", "info 0.cosh();", "1"),
    entry(f"{_N}.tanh() -> decimal", "The hyperbolic tangent.", "info 0.tanh();", "0"),
    entry(f"{_N}.atan2(x: {_N}) -> decimal", "The angle in radians of the point with this y and the given x.", "info 0.atan2(1);", "0"),
    entry(f"{_N}.min(other: {_N}) -> decimal", "The smaller of two numbers.", "info 3.min(5);", "3"),
    entry(f"{_N}.max(other: {_N}) -> decimal", "The larger of two numbers.", "info 3.max(5);", "5"),
    entry(f"{_N}.isEven() -> boolean", "Whether it is even.", "info 4.isEven();", "true"),
    entry(f"{_N}.isOdd() -> boolean", "Whether it is odd.", "info 4.isOdd();", "false"),
    entry(f"{_N}.frac() -> decimal", "The part after the point.", "info 3.25.frac();", "0.25"),
    entry("number.toHex() -> text", "The number in hexadecimal digits.", "info 255.toHex();", "ff"),
    entry(f"{_N}.toWords() -> text", "The number in English words.", "info 42.toWords();"),
    entry("randomNumber(most: number, least?: number) -> number", "A whole number by chance, from least (0 unless given) up to most.", "info randomNumber(6,1) <= 6;", "true", host=True),
    entry("list.largest() -> decimal", "The largest number of the list; numeric texts count as numbers.", "info {1,5,2}.largest();", "5"),
    entry("list.smallest() -> decimal", "The smallest number of the list; numeric texts count as numbers.", "info {3,5,2}.smallest();", "2"),
    entry("list.nthLargest(n: number) -> decimal", "The n-th largest number of the list, from 1.", "info {1,5,2}.nthLargest(2);", "2"),
    entry("list.nthSmallest(n: number) -> decimal", "The n-th smallest number of the list, from 1.", "info {3,9,5}.nthSmallest(2);", "5"),
    entry("list.average() -> decimal", "The average of the numbers of the list.", "info {1,2,6}.average();", "3", aliases="avg"),
    entry("list.median() -> decimal", "The middle number of the list; the mean of the middle two where they are two.", "info {1,5,2,3}.median();", "2.5"),
    entry("list.sum() -> decimal", "The sum of the numbers of the list.", "info {1,2,6}.sum();", "9"),
)
