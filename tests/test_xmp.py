"""The XMP of a result, for any XMP of the scan."""

from xml.etree import ElementTree

import pytest

from patina.tasks.imaging.software import versions
from patina.tasks.imaging.xmp import SOURCE_TYPE, is_ours, with_source_type

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"


@pytest.mark.parametrize(
    ("attribute", "element"),
    [
        ('e:DigitalSourceType="of another"', ""),
        ("e:DigitalSourceType = 'of another'", ""),
        ("", "<e:DigitalSourceType>of another</e:DigitalSourceType>"),
        ("", '<e:DigitalSourceType\nq="1">of another</e:DigitalSourceType >'),
        ("", '<e:DigitalSourceType r:resource="of another"/>'),
        ("", "<e:DigitalSourceType/>"),
        ('e:DigitalSourceType="a"', "<e:DigitalSourceType>b</e:DigitalSourceType>"),
    ],
)
def test_the_source_type_is_stated_once_in_every_form_of_xmp(attribute: str, element: str) -> None:
    given = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="{RDF}"><r:Description r:about="" '
        f'xmlns:e="{IPTC}" {attribute}>{element}<e:Event>An event</e:Event>'
        "</r:Description></r:RDF></x:xmpmeta>"
    )
    packet = with_source_type(given.encode())
    tree = ElementTree.fromstring(packet.decode())
    name = f"{{{IPTC}}}DigitalSourceType"
    assert [each.get(name) for each in tree.iter() if each.get(name)] == [SOURCE_TYPE]
    assert [*tree.iter(name)] == []
    assert [event.text for event in tree.iter(f"{{{IPTC}}}Event")] == ["An event"]
    again = ElementTree.fromstring(with_source_type(packet).decode())
    assert [each.get(name) for each in again.iter() if each.get(name)] == [SOURCE_TYPE]


MM = "http://ns.adobe.com/xap/1.0/mm/"
EVENT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"


def test_the_edit_history_is_continued() -> None:
    packet = b""
    for _ in range(2):
        packet = with_source_type(packet)
    scanned = packet.replace(f"Patina {versions()['patina']}".encode(), b"Scanner", 1)
    tree = ElementTree.fromstring(with_source_type(scanned))
    [history] = tree.iter(f"{{{MM}}}History")
    agents = [event.get(f"{{{EVENT}}}softwareAgent") for event in history.iter(f"{{{RDF}}}li")]
    assert agents == ["Scanner"] + [f"Patina {versions()['patina']}"] * 2


def test_only_xmp_that_patina_wrote_is_recognised_as_such() -> None:
    assert is_ours(with_source_type(b""))
    assert not is_ours(b"")
    assert not is_ours(with_source_type(b"").replace(b"Patina", b"Another"))
