"""Lists, maps, collections, files, XML, and the errors that are caught."""

from isthmus.functions.deluge.entries import Builtin, entry

# fmt: off

_C = 'c = Collection("a":1,"b":2); '
_V = 'c = Collection("a","b"); '

LISTS: tuple[Builtin, ...] = (
    entry("list.add(value: any)", "Appends the value.", "l = {1}; l.add(2); info l;", "1,2"),
    entry("list.addAll(values: list|collection)", "Appends every value of the other list.", "l = {1}; l.addAll({2,3}); info l;", "1,2,3"),
    entry("list|map|collection.clear()", "Takes everything out.", "l = {1}; l.clear(); info l.size();", "0"),
    entry("list.get(index: number) -> any", "The element at the index, from 0; fails where there is none.", 'info {"a","b"}.get(1);', "b"),
    entry("list.remove(index: number) -> any", "Takes the element at the index out; it is the value.", 'info {"a","b"}.remove(0);', "a"),
    entry("list.removeElement(value: any)", "Takes the first such element out; nothing happens where there is none.", 'l = {"a","b"}; l.removeElement("a"); info l;', "b"),
    entry("list.removeAll(values: list)", "Takes every element out that is in the other list.", "l = {1,2,3}; l.removeAll({1,3}); info l;", "2"),
    entry("list.contains(value: any) -> boolean", "Whether the value is one of its elements.", "info {1,2}.contains(2);", "true"),
    entry("list|map|collection.notContains(value: any) -> boolean", "Whether the value is not one of its elements (of a map: keys).", "info {1,2}.notContains(2);", "false"),
    entry("list.indexOf(value: any) -> number", "Where the value first stands, from 0; -1 where it does not.", 'info {"a","b"}.indexOf("b");', "1"),
    entry("list.lastIndexOf(value: any) -> number", "Where the value last stands, from 0; -1 where it does not.", 'info {"a","b","a"}.lastIndexOf("a");', "2"),
    entry("list|map|collection.size() -> number", "The number of its elements.", "info {1,2}.size();", "2", aliases="count"),
    entry("list.subList(start: number, end?: number) -> list", "The elements from start up to, not including, end; to the end without one.", "info {1,2,3,4}.subList(1,3);", "2,3"),
    entry("list|collection.sort(ascending?: boolean) -> any", "Sorts it, downwards with false; null where the types are mixed.", "info {3,1,2}.sort(false);", "3,2,1"),
    entry("list|collection.distinct() -> any", "Its elements, each once.", "info {1,1,2}.distinct();", "1,2"),
    entry("list|collection.intersect(other: list|collection) -> any", "The elements that both have.", "info {1,2,3}.intersect({2,3,4});", "2,3"),
    entry("list|map|collection.duplicate(depth?: number) -> any", "A copy that shares nothing with it.", "l = {1}; k = l.duplicate(0); k.add(2); info l;", "1"),
)

MAPS: tuple[Builtin, ...] = (
    entry("map.put(key: any, value: any)", "Sets the value at the key.", 'm = Map(); m.put("a",1); info m;', '{"a":1}'),
    entry("map.putAll(other: map)", "Sets every entry of the other map.", 'm = Map(); m.putAll({"a":1}); info m;', '{"a":1}'),
    entry("map.get(key: any) -> any", "The value at the key; null where there is none.", 'info {"a":1}.get("a");', "1"),
    entry("map.containKey(key: any) -> boolean", "Whether it has the key.", 'info {"a":1}.containKey("a");', "true", aliases="containsKey"),
    entry("map.containValue(value: any) -> boolean", "Whether it has the value.", 'info {"a":1}.containValue(2);', "false", aliases="containsValue"),
    entry("map.keys() -> list", "Its keys.", 'info {"a":1,"b":2}.keys();', "a,b"),
    entry("map.values() -> list", "Its values.", 'info {"a":1,"b":2}.values();', "1,2"),
    entry("map.remove(key: any) -> any", "Takes the key and its value out; nothing happens where there is none.", 'm = {"a":1}; m.remove("a"); info m.size();', "0"),
)

COLLECTIONS: tuple[Builtin, ...] = (
    entry("collection.insert(value: any, ...)", "Appends the value, or sets key : value.", _V + 'c.insert("c"); info c;', "a,b,c"),
    entry("collection.insertAll(values: list|map|collection)", "Appends every value of a list, or sets every entry of a map.", _V + 'c.insertAll({"c"}); info c;', "a,b,c"),
    entry("collection.get(key: any) -> any", "The value at the key or index.", _C + 'info c.get("b");', "2"),
    entry("collection.getKey(value: any) -> any", "The key or index of the value; null or -1 where it is absent.", _C + "info c.getKey(2);", "b"),
    entry("collection.getLastKey() -> any", "The last key or index.", _C + "info c.getLastKey();", "b"),
    entry("collection.keys() -> list", "Its keys; of a collection without keys the elements themselves.", _C + "info c.keys();", "a,b"),
    entry("collection.values() -> list", "Its values.", _C + "info c.values();", "1,2"),
    entry("collection.update(key: any, value: any)", "Sets the value at an existing key or index.", _C + 'c.update("a",9); info c.get("a");', "9"),
    entry("collection.delete(value: any)", "Takes the value out; nothing happens where it is absent.", _C + "c.delete(2); info c;", '{"a":1}'),
    entry("collection.deleteAll(values: list|collection)", "Takes all these values out.", _C + "c.deleteAll({1,2}); info c.size();", "0"),
    entry("collection.deleteKey(key: any)", "Takes the key or index and its value out.", _C + 'c.deleteKey("a"); info c;', '{"b":2}'),
    entry("collection.deleteKeys(keys: list|collection)", "Takes all these keys or indexes out.", _V + "c.deleteKeys({0}); info c;", "b"),
    entry("collection.containsKey(key: any) -> boolean", "Whether it has the key or index.", _C + 'info c.containsKey("a");', "true", aliases="containKey"),
    entry("collection.containsValue(value: any) -> boolean", "Whether it has the value.", _C + "info c.containsValue(3);", "false", aliases="containValue contains"),
    entry("collection.sortKey(ascending?: boolean) -> collection", "Sorts it by its keys, downwards with false.", _C + "info c.sortKey(false).keys();", "b,a"),
)

FILES: tuple[Builtin, ...] = (
    entry("file.getFileName() -> text", "The file's name.", 'info "a".toFile("x.txt").getFileName();', "x.txt"),
    entry("file.getFileSize() -> number", "The number of its bytes.", 'info "abc".toFile("x.txt").getFileSize();', "3"),
    entry("file.getFileType() -> text", "Its content type.", 'info "a".toFile("x.txt").getFileType();'),
    entry("file.getFileContent() -> text", "What is in it, as a text; up to 2 MB.", 'info "abc".toFile("x.txt").getFileContent();', "abc"),
    entry("file.setFileName(name: text)", "Gives it another name.", 'f = "a".toFile("x.txt"); f.setFileName("y.txt"); info f.getFileName();', "y.txt"),
    entry("file.setFileType(type: text)", "Sets its content type.", 'f = "a".toFile("x.txt"); f.setFileType("text/csv"); info f.getFileType();', "text/csv"),
    entry("file.setCharset(charset: text)", "Sets the character set that its content is read in.", 'f = "a".toFile("x.txt"); f.setCharset("UTF-8"); info f.getFileName();', "x.txt"),
    entry("file.setParamName(name: text)", "Sets the form field that invokeurl sends it as.", 'f = "a".toFile("x.txt"); f.setParamName("attachment"); info f.getFileName();', "x.txt"),
    entry("file.compress(name: text) -> file", "A ZIP file of this name with the file in it.", 'info "a".toFile("x.txt").compress("x.zip").getFileName();', "x.zip"),
    entry("file.extract() -> list", "The files in this ZIP file.", 'info "a".toFile("x.txt").compress("x.zip").extract().size();', "1"),
)

OTHERS: tuple[Builtin, ...] = (
    entry("text|map.executeXPath(path: text) -> text", "The nodes that the XPath finds in this XML or JSON, with their tags.", 'info "<a><b>1</b></a>".executeXPath("/a/b/text()");', "1"),
    entry("any.toXml() -> text", "A map or JSON text as XML.", 'info {"a":1}.toXml().contains("<a>1</a>");', "true"),
    entry("any.toXmlList() -> list", "The XML texts in this text, as a list.", 'info "<a>1</a>".toXmlList().size();', "1"),
)

ENTRIES: tuple[Builtin, ...] = LISTS + MAPS + COLLECTIONS + FILES + OTHERS
