"""XMP packets: keeps their content, and states that an algorithm enhanced the picture.

A packet may come from anybody. So expat reads it in one pass and without entities, and the edits
replace single places in the bytes; all other bytes stay.
Source: ISO 16684-1; extended XMP in a JPEG: Adobe's XMP Specification Part 3, 1.1.3.1.
"""

import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from patina.tasks.imaging.software import versions

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
CREATOR = "Patina"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
STATED = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ DigitalSourceType"
HISTORY = "http://ns.adobe.com/xap/1.0/mm/ History"
EXTENDED = "http://ns.adobe.com/xmp/note/ HasExtendedXMP"
GAIN_MAP = b"http://ns.adobe.com/hdr-gain-map/1.0/"
EVENTS = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
LARGEST = 1 << 24  # maximum bytes of a packet
TAG = re.compile(rb"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""")
NAME = re.compile(rb"<((?:[^\s<>/:]+:)?)[^\s<>/:]+")
EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>'
    b'</x:xmpmeta><?xpacket end="w"?>'
)


def is_ours(xmp: bytes) -> bool:
    """Whether the packet states that Patina wrote the file."""
    return SOURCE_TYPE.encode() in xmp and CREATOR.encode() in xmp


def is_readable(xmp: bytes) -> bool:
    """Whether the packet is well-formed, so that its content can be kept."""
    found = _read(xmp)
    return found is not None and found.end is not None


def with_source_type(xmp: bytes) -> bytes:
    """The packet `xmp`, or a new one, with the digital source type and Patina in its history.

    The content stays, unless the packet is malformed, see `is_readable`.
    Source: IPTC Photo Metadata Standard, Digital Source Type.
    """
    packet = xmp.strip(b"\0")
    found = _read(packet)
    if found is None or found.end is None:
        packet, found = EMPTY, _read(EMPTY)
    assert found is not None
    event = f'stEvt:action="edited" stEvt:softwareAgent="{CREATOR} {versions()["patina"]}"'
    edits, history = [], ""
    if found.events:
        edits.append(found.events.added(f'li xmlns:stEvt="{EVENTS}" {event}/>'))
    elif not found.history:
        history = f"<xmpMM:History><rdf:Seq><rdf:li {event}/></rdf:Seq></xmpMM:History>"
    source_type = f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"'
    if found.values == [SOURCE_TYPE]:
        source_type = ""
    else:
        edits += [(start, end, b"") for start, end in found.stated]  # XMP allows one value only
    if source_type or history:
        edits.append(_described(found, f"{source_type}>{history}"))
    return _edited(packet, edits)


def joined(xmp: bytes, extended: bytes) -> bytes:
    """The packet joined with its extension from a JPEG; unchanged if either is malformed."""
    found, more = _read(xmp), _read(extended)
    if not (found and found.end and more and more.end):
        return xmp
    parts = b"".join(more.descriptions(extended))
    edits = [(start, end, b"") for start, end in found.extended]
    return _edited(xmp, [*edits, found.end.before(parts)])


def extension_of(xmp: bytes) -> str:
    """The name (32 hex digits) of the extension of the packet; "" if it has none."""
    found = _read(xmp)
    return found.guid if found else ""


def _described(found: "_Found", content: str) -> tuple[int, int, bytes]:
    assert found.end is not None
    described = (
        '<rdf:Description rdf:about="" '
        f'xmlns:rdf="{RDF}" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" '
        f'xmlns:stEvt="{EVENTS}" '
        f"{content}</rdf:Description>"
    )
    return found.end.before(described.encode())


def _edited(packet: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """The packet with each span from `start` to `end` replaced by the content."""
    parts, at = [], 0
    for start, end, content in sorted(edits, key=lambda edit: edit[:2]):
        parts += [packet[at:start], content]
        at = max(at, end)
    return b"".join([*parts, packet[at:]])


@dataclass(frozen=True)
class _Element:
    """The place of an element in the bytes of a packet."""

    head: bytes  # its start tag
    start: int  # start of the start tag
    inside: int  # end of the start tag
    last: int  # start of the end tag

    @property
    def prefix(self) -> bytes:
        """The prefix of the element's name, with the colon; empty if it has none."""
        name = NAME.match(self.head)
        return name[1] if name else b""

    def before(self, content: bytes) -> tuple[int, int, bytes]:
        """The edit that inserts `content` at the end of the element."""
        if not self.head.endswith(b"/>"):
            return self.last, self.last, content
        name = NAME.match(self.head)
        closed = b"</" + name[0][1:] + b">" if name else b""
        return self.start, self.inside, self.head[:-2] + b">" + content + closed

    def added(self, item: str) -> tuple[int, int, bytes]:
        """The edit that adds an item, with the prefix of the element's name."""
        return self.before(b"<" + self.prefix + item.encode())


@dataclass
class _Found:
    """The parts of a packet that are needed for the edits."""

    end: _Element | None = None  # rdf:RDF
    events: _Element | None = None  # the sequence of the history
    history: bool = False  # whether there is a history
    stated: list[tuple[int, int]] = field(default_factory=list)  # spans of DigitalSourceType
    values: list[str] = field(default_factory=list)  # values of DigitalSourceType
    extended: list[tuple[int, int]] = field(default_factory=list)  # spans of HasExtendedXMP
    guid: str = ""  # value of HasExtendedXMP
    spaces: dict[str, str] = field(default_factory=dict)  # namespaces at the start of rdf:RDF
    parts: list[_Element] = field(default_factory=list)  # the rdf:Description elements

    def descriptions(self, packet: bytes) -> list[bytes]:
        """The rdf:Description elements, each with the namespaces that it uses."""
        found = []
        for part in self.parts:
            close = packet.find(b">", part.last) + 1
            rest = packet[part.inside : part.inside if part.last == part.inside else close]
            own = "".join(
                f" xmlns:{prefix}={quoteattr(uri)}"
                for prefix, uri in self.spaces.items()
                if prefix and f"xmlns:{prefix}=".encode() not in part.head
            ).encode()
            name = NAME.match(part.head)
            length = len(name[0]) if name else 0
            found.append(part.head[:length] + own + part.head[length:] + rest)
        return found


def _read(packet: bytes) -> "_Found | None":
    """Parse a packet; None if it is malformed, longer than LARGEST, or declares entities."""
    if not packet or len(packet) > LARGEST:
        return None
    reader = _Reader(packet.strip(b"\0"))
    try:
        reader.parser.Parse(reader.packet, True)
    except (expat.ExpatError, _UnsafeError, UnicodeError):
        return None
    return reader.found


class _UnsafeError(ValueError):
    """The packet has a document type, which could declare entities; XMP has none."""


class _Reader:
    """Collects the parts of a packet while expat reads it."""

    def __init__(self, packet: bytes) -> None:
        self.packet, self.found = packet, _Found()
        self.open: list[tuple[str, int]] = []
        self.within: dict[str, int] = {}  # number of open elements by name
        self.text: list[str] | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartNamespaceDeclHandler = self.space
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.EntityDeclHandler = self.refuse

    def refuse(self, *_: object) -> None:
        raise _UnsafeError

    def space(self, prefix: str | None, uri: str) -> None:
        if f"{RDF} RDF" not in self.within:
            self.found.spaces[prefix or ""] = uri

    def characters(self, text: str) -> None:
        if self.text is not None and len(self.text) < 64:
            self.text.append(text)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        self.found.history |= name == HISTORY or HISTORY in attributes
        if name in (STATED, EXTENDED):
            self.text = []
        if STATED in attributes:
            self.found.values.append(attributes[STATED])
            self.found.stated += self._attribute(at, b"DigitalSourceType")
        if EXTENDED in attributes:
            self.found.guid = attributes[EXTENDED]
            self.found.extended += self._attribute(at, b"HasExtendedXMP")
        self.open.append((name, at))
        self.within[name] = self.within.get(name, 0) + 1

    def end(self, name: str) -> None:
        at, (_, start) = self.parser.CurrentByteIndex, self.open.pop()
        self.within[name] -= 1
        if not self.within[name]:
            del self.within[name]
        parent = self.open[-1][0] if self.open else ""
        if name == f"{RDF} RDF" and self.found.end is None:
            self.found.end = self._element(start, at)
        elif name == f"{RDF} Seq" and parent == HISTORY and self.found.events is None:
            self.found.events = self._element(start, at)
        elif name == f"{RDF} Description" and parent == f"{RDF} RDF":
            self.found.parts.append(self._element(start, at))
        elif name in (STATED, EXTENDED) and name not in self.within:
            self._stated(name, self._element(start, at))

    def _stated(self, name: str, element: _Element) -> None:
        """Record a property that is an element, not an attribute."""
        close = element.inside
        if element.last != element.inside or not element.head.endswith(b"/>"):
            close = self.packet.find(b">", element.last) + 1
        text, self.text = "".join(self.text or []), None
        if name == EXTENDED:
            self.found.guid = text.strip()
            self.found.extended.append((element.start, close))
        else:
            self.found.values.append("")  # so that it is written again, as an attribute
            self.found.stated.append((element.start, close))

    def _element(self, start: int, last: int) -> _Element:
        tag = TAG.match(self.packet, start)
        head = tag[0] if tag else b""
        inside = start + len(head)
        return _Element(head, start, inside, inside if head.endswith(b"/>") else last)

    def _attribute(self, start: int, local: bytes) -> list[tuple[int, int]]:
        tag = TAG.match(self.packet, start)
        stated = re.compile(rb"\s[^\s=<>:]+:" + local + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')")
        found = stated.search(tag[0]) if tag else None
        return [(start + found.start(), start + found.end())] if found else []
