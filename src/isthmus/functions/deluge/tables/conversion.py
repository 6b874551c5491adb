"""Conversions and questions about types."""

from isthmus.functions.deluge.entries import Builtin, entry

# fmt: off

ENTRIES: tuple[Builtin, ...] = (
    entry("any.toString(format?: text, zone?: text) -> text", "As a text: a date by the pattern (and in the time zone), a list joined by the separator, a map as JSON.", "info '01-Feb-2026'.toString(\"yyyy/MM/dd\");", "2026/02/01", aliases="toText"),
    entry("any.toLong() -> number", "As a whole number: decimals are cut, a date becomes milliseconds since 1970, a text must be numeric.", 'info "12".toLong() + 1;', "13", aliases="toNumber"),
    entry("any.toDecimal() -> decimal", "As a number with a fractional part; a text must be numeric.", 'info "1.50".toDecimal();', "1.5"),
    entry("any.toDate(mapping?: text) -> date", "As a date: a text by the pattern or in a known format, a number as milliseconds since 1970.", "info \"2026-02-01\".toDate().getMonth();", "2"),
    entry("any.toTime(mapping?: text, zone?: text) -> date", "As a date-time: a text by the pattern or in a known format, a number as milliseconds since 1970.", 'info "01/02/2026 10:30".toTime("dd/MM/yyyy HH:mm").getHour();', "10"),
    entry("any.toDateTime(mapping?: text) -> date", "As a date-time: a text by the pattern or in a known format, a number as milliseconds since 1970.", 'info "2026-02-01 10:30:00".toDateTime().getMinutes();', "30"),
    entry("any.toDateTimeString(format: text, zone: text) -> text", "A date-time as a text, by the pattern and in the time zone.", "info toDateTimeString('01-Feb-2026 12:00:00',\"dd-MMM-yyyy\",\"UTC\").length();", "11"),
    entry("any.toMap() -> map", "The map that this JSON text is; keys and values without quotes are tolerated.", "info \"{'a':1}\".toMap().get(\"a\");", "1"),
    entry("any.toJSONList() -> list", "The list that this JSON text is.", 'info "[1,2]".toJSONList().size();', "2"),
    entry("any.toListString() -> text", "A list as a text.", "info {1,2}.toListString();"),
    entry("text|map.getJSON(key: text) -> any", "The value at the key of a JSON text or map.", 'info "{\\"a\\":7}".getJSON("a");', "7"),
    entry("any.toCollection() -> collection", "A list or map as a collection.", "info {1,2}.toCollection().size();", "2"),
    entry("text|file.toFile(name: text) -> file", "A file of this name with this content.", 'info "a,b".toFile("x.csv").getFileName();', "x.csv"),
    entry("any.isNull() -> boolean", "Whether it is null or the empty text.", 'info isNull("");', "true"),
    entry("any.isEmpty() -> boolean", "Whether a text, list, map or collection has nothing in it.", "info List().isEmpty();", "true"),
    entry("any.isBlank() -> boolean", "Whether it is null, empty, or only white space.", 'info isBlank("  ");', "true"),
    entry("any.isNumber() -> boolean", "Whether it is a number, or a text that reads as one.", 'info isNumber("12");', "true"),
    entry("any.isText() -> boolean", "Whether it is a text that does not read as a number or date; null for a list or map.", 'info isText("12a");', "true"),
    entry("any.isDate() -> boolean", "Whether it is a date, or a text that reads as one; another text fails.", 'info isDate("01-Jan-2026");', "true"),
    entry("any.isFile() -> boolean", "Whether it is a file.", 'info isFile("a");', "false"),
    entry("ifnull(value: any, other: any) -> any", "The value, or the other where it is null.", 'info ifnull(null,"none");', "none"),
    entry("Map() -> map", "A new map.", "info Map().size();", "0"),
    entry("List() -> list", "A new list. List:String(), List:Long(), List:Float(), List:Bool() and List:Date() take that type only.", "info List().size();", "0"),
    entry("Collection(values: any, ...) -> collection", "A new collection of values, or of key : value pairs.", 'info Collection("a":1,"b":2).size();', "2"),
)
