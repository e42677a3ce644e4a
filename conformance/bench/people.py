"""Synthetic residents: cards whose numbers can belong to nobody living, the same for the same seed and case."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.trace import personal

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = "文静德明秀英建国淑兰志强桂芳海燕春生"


@dataclass(frozen=True, slots=True)
class Resident:
    """One test card."""

    id_number: str
    name: str
    address: str = "测试路1号"
    issuing_authority: str = "测试公安局"
    card_type: str = "id_card"

    @property
    def birth_date(self) -> str:
        """YYYY-MM-DD, from the number."""
        n = self.id_number
        return f"{n[6:10]}-{n[10:12]}-{n[12:14]}"

    @property
    def sex(self) -> str:
        """From the parity of the 17th digit (GB 11643)."""
        return "男" if int(self.id_number[16]) % 2 else "女"

    def card(self) -> dict[str, Any]:
        """What a reader reads from this card, in canonical names (GA/T 490)."""
        if self.card_type == "social_card":
            return {"card_type": "social_card", "id_number": self.id_number, "name": self.name}
        return {
            "card_type": "id_card", "id_number": self.id_number, "name": self.name, "sex": self.sex, "ethnicity": "汉",
            "birth_date": self.birth_date, "address": self.address,
            "issuing_authority": self.issuing_authority,
            "valid_from": "2015-01-01", "valid_until": "长期",
        }  # fmt: skip


def residents(seed: int, case_id: str, city: Mapping[str, Any]) -> list[Resident]:
    """Eight residents of a case; where they live is the pack's to say (`city.people`)."""
    home = {"division": personal.STAND_IN, **city.get("people", {})}
    division = str(home.pop("division"))
    rng = random.Random(f"{seed}/{case_id}")  # noqa: S311  public identifiers, repeatable by design
    people = []
    for _ in range(8):
        name = rng.choice(_SURNAMES) + "".join(rng.sample(_GIVEN, 2))
        people.append(Resident(personal.synthetic_id(rng, division), name, **home))
    return people
