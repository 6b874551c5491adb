"""What reaches outside: HTTP, mail, digests, encodings, and the `zoho.` variables."""

from isthmus.functions.deluge.entries import Builtin, SystemValue, TaskDefinition, TaskKey, entry

# fmt: off

_FORM = 'encoding?: text'


def _digest(name: str, gives: str | None = None) -> Builtin:
    return entry(
        f"zoho.encryption.{name}(text: text|file, encoding?: text) -> text",
        f"The {name.upper()} digest, in hexadecimal digits; raw with \"binary\".",
        f'info zoho.encryption.{name}("hello");',
        gives,
        host=True,
    )


def _keyed(name: str) -> Builtin:
    return entry(
        f"zoho.encryption.hmac{name}(key: text, text: text, encoding?: text) -> text",
        f"The HMAC with {name.upper()} of the text under the key, in hexadecimal digits; raw with \"binary\".",
        f'info zoho.encryption.hmac{name}("key","text").length() > 0;',
        "true",
        host=True,
    )


ENTRIES: tuple[Builtin, ...] = (
    entry("getUrl(url: text, headers?: map|boolean, content?: boolean) -> any", "Fetches the address; with false as the last argument the answer has responseCode, responseText and responseHeader.", 'info getUrl("https://api.example.com/items");', host=True),
    entry("postUrl(url: text, body: any, headers?: map|boolean, content?: boolean) -> any", "Posts the body to the address; with false as the last argument the answer has responseCode, responseText and responseHeader.", 'info postUrl("https://api.example.com/items",{"name":"a"});', host=True),
    entry("invokeUrl(url: text, method: text, body?: any, headers?: map|boolean, content?: boolean) -> any", "Calls the address with the method; the task invokeurl [ ... ] does more.", 'info invokeUrl("https://api.example.com/items/1","DELETE");', host=True),
    entry("encodeUrl(text: text) -> text", "Encoded for a URL's query, a space as +.", 'info encodeUrl("a b");', "a+b", aliases="urlEncode"),
    _digest("md5", "5d41402abc4b2a76b9719d911017c592"),
    _digest("sha1", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
    _digest("sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
    _digest("sha512"),
    *(_keyed(name) for name in ("md5", "sha1", "sha256", "sha512")),
    entry("zoho.encryption.urlEncode(text: any) -> text", "Encoded for a URL, a space as %20; null for what is no text.", 'info zoho.encryption.urlEncode("a b");', "a%20b"),
    entry("zoho.encryption.urlDecode(text: any) -> text", "Decoded from a URL; null for what is no text.", 'info zoho.encryption.urlDecode("a%20b");', "a b"),
    entry("zoho.encryption.base64Encode(value: text|file) -> text", "In Base64.", 'info zoho.encryption.base64Encode("hello");', "aGVsbG8="),
    entry("zoho.encryption.base64Decode(text: text) -> text", "Decoded from Base64.", 'info zoho.encryption.base64Decode("aGVsbG8=");', "hello"),
    entry("zoho.encryption.aesEncode(key: text, text: text) -> text", "Encrypted with AES under the key, in Base64.", 'info zoho.encryption.aesEncode("0123456789abcdef","hello");', host=True),
    entry("zoho.encryption.aesDecode(key: text, text: text) -> text", "Decrypted with AES under the key.", 'c = zoho.encryption.aesEncode("0123456789abcdef","hello"); info zoho.encryption.aesDecode("0123456789abcdef",c);', host=True),
    entry("zoho.encryption.generateRandomUUID() -> text", "A random UUID.", "info zoho.encryption.generateRandomUUID().length();", "36", host=True),
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PAYLOAD = ("map", "text", "list", "file")

TASKS: tuple[TaskDefinition, ...] = (
    TaskDefinition(
        "invokeurl",
        (
            TaskKey("url", ("text",), "The address; relative to the service's base URL with a connection.", required=True),
            TaskKey("type", ("text",), "The method, as a bare word; GET unless given.", constants=METHODS),
            TaskKey("headers", ("map",), "Request headers."),
            TaskKey("parameters", _PAYLOAD, "A map goes to the query (GET, DELETE) or is sent as a form; a text is the body."),
            TaskKey("body", _PAYLOAD, "The body: a map or list as JSON, a text as it is, a file."),
            TaskKey("files", ("file", "list", "map"), "Files, sent as multipart/form-data."),
            TaskKey("content-type", ("text",), "The content type of the body."),
            TaskKey("connection", ("text",), "The link name of the connection whose credential is used."),
            TaskKey("detailed", ("boolean",), "With true the answer has responseCode, responseText and responseHeader."),
            TaskKey("response-format", ("text",), "FILE or TEXT: what the answer is made into.", constants=("FILE", "TEXT", "COLLECTION")),
            TaskKey("response-decoding", ("text",), "The character set of the answer."),
        ),
        "any",
        "Calls a URL, with a connection's credential where one is named. JSON becomes a map or list, other text a text, anything else a file.",
        'response = invokeurl\n[\n\turl : "https://api.example.com/items"\n\ttype : GET\n\tconnection : "example"\n];\ninfo response;',
    ),
    TaskDefinition(
        "sendmail",
        (
            TaskKey("from", ("text",), "zoho.adminuserid, zoho.loginuserid, or an address that may be used.", required=True),
            TaskKey("to", ("text", "list"), "Who gets it; several with commas between.", required=True),
            TaskKey("cc", ("text", "list"), "Who gets a copy."),
            TaskKey("bcc", ("text", "list"), "Who gets a copy unseen."),
            TaskKey("reply to", ("text", "list"), "Where answers go."),
            TaskKey("subject", ("text",), "The subject.", required=True),
            TaskKey("message", ("text",), "The text; may be HTML.", required=True),
            TaskKey("attachments", ("file", "list"), "Files: file:a, file:b."),
            TaskKey("content type", ("text",), "HTML or TEXT.", constants=("HTML", "TEXT")),
        ),
        "nothing",
        "Sends a mail.",
        'sendmail\n[\n\tfrom : zoho.adminuserid\n\tto : "ann@example.com"\n\tsubject : "Hello"\n\tmessage : "It works."\n]',
    ),
)

SYSTEM_VALUES: tuple[SystemValue, ...] = (
    SystemValue("zoho.currentdate", "date", "The present date."),
    SystemValue("zoho.currenttime", "date", "The present date-time."),
    SystemValue("zoho.loginuser", "text", "The name of the person for whom the function runs."),
    SystemValue("zoho.loginuserid", "text", "The address of the person for whom the function runs."),
    SystemValue("zoho.loginuserrole", "text", "The role of the person for whom the function runs."),
    SystemValue("zoho.adminuser", "text", "The administrator's name."),
    SystemValue("zoho.adminuserid", "text", "The administrator's address."),
    SystemValue("zoho.appname", "text", "The name of the application."),
    SystemValue("zoho.appuri", "text", "The address of the application."),
    SystemValue("zoho.ipaddress", "text", "The address that the request came from; null where there is none."),
    SystemValue("zoho.device.type", "text", "The kind of device; null where there is none."),
)
