"""XMP packets: what they held stays, and they say that an algorithm enhanced the picture."""

import re

from patina.tasks.imaging.software import versions

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
CREATOR = "Patina"
# As an attribute, as an element with or without text, under any prefix
STATED = re.compile(
    rb"""\s[\w.-]+:DigitalSourceType\s*=\s*(?:"[^"]*"|'[^']*')"""
    rb"|<([\w.-]+:DigitalSourceType)(?=[\s/>])[^>]*?(?:/>|>.*?</\1\s*>)",
    re.DOTALL,
)
# Up to the end of the sequence of events
HISTORY = re.compile(
    rb"<([\w.-]+:History)(?=[\s>])[^>]*>\s*<([\w.-]+):Seq(?=[\s>])[^>]*>.*?"
    rb"(?=</\2:Seq\s*>\s*</\1\s*>)",
    re.DOTALL,
)
EVENTS = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
END = re.compile(rb"</[\w.-]+:RDF\s*>")
EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>'
    b'</x:xmpmeta><?xpacket end="w"?>'
)


def is_ours(xmp: bytes) -> bool:
    """Does the packet say that Patina had the file in hand?"""
    return SOURCE_TYPE.encode() in xmp and CREATOR.encode() in xmp


def with_source_type(xmp: bytes) -> bytes:
    """An XMP packet, or an empty one, that names the digital source type and the software.

    What the packet held stays. Source: IPTC Photo Metadata Standard, Digital Source Type.
    """
    packet = xmp if END.search(xmp) else EMPTY
    event = f'stEvt:action="edited" stEvt:softwareAgent="{CREATOR} {versions()["patina"]}"'
    history = ""
    if found := HISTORY.search(packet):
        item = f'<{found[2].decode()}:li xmlns:stEvt="{EVENTS}" {event}/>'.encode()
        packet = packet[: found.end()] + item + packet[found.end() :]
    elif b":History" not in packet:
        history = f"<xmpMM:History><rdf:Seq><rdf:li {event}/></rdf:Seq></xmpMM:History>"
    stated = [found[0] for found in STATED.finditer(packet)]
    source_type = f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"'
    if len(stated) == 1 and SOURCE_TYPE.encode() in stated[0]:
        source_type = ""
    else:
        packet = STATED.sub(b"", packet)  # twice would be no XMP
    if not (source_type or history):
        return packet
    described = (
        '<rdf:Description rdf:about="" '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" '
        f'xmlns:stEvt="{EVENTS}" '
        f"{source_type}>{history}</rdf:Description>"
    ).encode()
    return END.sub(lambda end: described + end[0], packet, count=1)
