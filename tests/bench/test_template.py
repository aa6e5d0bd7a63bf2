"""Templates of the peers' configurations."""

import pytest

from bench.template import TemplateError, render


def test_values_are_filled_in_and_doubled_dollars_kept():
    assert render("listen $port; set $$host;", {"port": 80}) == "listen 80; set $host;\n"


def test_a_block_is_written_when_its_fact_holds():
    text = "%if tls\nssl\n%end\n%if not tls\nplain\n%end"
    assert render(text, {"tls": True}) == "ssl\n"
    assert render(text, {"tls": False}) == "plain\n"


def test_blocks_nest_and_each_binds_its_number():
    text = "%if routes\n%each routes\n/$number $name\n%end\n%end\nlast"
    assert render(text, {"routes": range(2), "name": "x"}) == "/0 x\n/1 x\nlast\n"


@pytest.mark.parametrize("text", ["%if tls\nssl", "%maybe tls\n%end", "%each tls\n%end", "%end"])
def test_what_is_not_understood_is_refused(text):
    with pytest.raises(TemplateError):
        render(text, {"tls": True})


def test_an_unknown_value_is_refused():
    with pytest.raises(KeyError):
        render("$unheard_of", {})
