"""The declared list of steps around a student: their order, what they see, and one curve for all samples."""

import json
from dataclasses import replace

import pytest
import torch
from toned_restoration import toned_restoration
from torch import Tensor
from torch.nn import functional as F

from restorect.errors import ConfigError
from restorect.nets.codes import Codes, noise_codes
from restorect.nets.student import StudentConfig
from restorect.nets.thumbnail import view_of
from restorect.nets.tone import lifted
from restorect.render.balance import BalanceConfig, balance
from restorect.render.exposure import ExposureConfig, ExposureNetConfig, exposure_curve
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.floor import FloorConfig
from restorect.render.hue import HueConfig, keep_hue
from restorect.render.keep import KeepConfig
from restorect.render.restoration import Restoration, RestorationConfig, start_from, with_steps
from restorect.render.step import StepConfig

BALANCE = BalanceConfig(clip=0, gain=20, saturation=1)


def _photo(*size: int, scale: float = 0.5, batch: int = 1) -> Tensor:
    return scale * torch.rand(batch, 3, *size, generator=torch.Generator().manual_seed(0))


def _noise(seed: int, batch: int = 1) -> Codes:
    return noise_codes(batch, torch.Generator().manual_seed(seed))


def _with(*after: StepConfig, before: tuple[StepConfig, ...] = (), **settings: object) -> Restoration:
    return toned_restoration(*after, before=before, **settings)[0]


@pytest.mark.parametrize("size", [(1, 1), (40, 23)])
def test_without_steps_it_is_the_student(size: tuple[int, int]) -> None:
    restoration, photo = _with(), _photo(*size, batch=2)
    student = restoration.student
    for start in (student.start(2, "noise", 3), student.start(2, "mean")):
        assert torch.equal(restoration(photo, start), student(photo, start))
    assert torch.equal(restoration(photo), student(photo, student.start(2)))
    assert torch.equal(restoration(photo, steps=7), student(photo, student.start(2), 7))
    assert torch.equal(restoration.see(photo), photo)
    assert torch.equal(restoration.read(photo).stacked(), student.read(photo).stacked())


def test_steps_act_in_the_order_of_the_list() -> None:
    photo = _photo(32, 40, scale=1.0)
    photo[..., :16, :16] = torch.tensor([0.9, 0.3, 0.02]).view(1, 3, 1, 1)
    bare = _with(start="mean")(photo)
    held_last = torch.maximum(keep_hue(bare, photo), 0.9 * photo)
    hue_last = keep_hue(torch.maximum(bare, 0.9 * photo), photo)
    assert not torch.allclose(held_last, hue_last, atol=1e-3)
    hue, floor = HueConfig(), FloorConfig(share=0.9)
    torch.testing.assert_close(_with(hue, floor, start="mean")(photo), held_last)
    torch.testing.assert_close(_with(floor, hue, start="mean")(photo), hue_last)


def test_steps_behind_see_photo_and_what_was_seen_of_it() -> None:
    photo = _photo(120, 150) * torch.tensor([0.3, 0.9, 0.6]).view(1, 3, 1, 1) + 0.1
    restoration = _with(before=(BALANCE,))
    scene = restoration.scene(photo)
    assert scene.photo is photo
    assert torch.equal(scene.seen, balance(photo, photo, BALANCE))
    thumbnail = view_of(photo, 96)
    assert torch.equal(scene.thumbnail, balance(thumbnail, thumbnail, BALANCE))
    assert scene.curve is None
    codes = restoration.student.mean(restoration.read(photo))
    assert torch.equal(restoration.restore(scene, codes), restoration.student.transformer(scene.seen, *codes).image)


def test_a_crop_is_seen_by_the_whole_photo() -> None:
    photo = _photo(80, 90) * torch.linspace(0.1, 1, 90)
    crop = photo[..., 10:60, :30]
    restoration = _with(before=(BALANCE,))
    torch.testing.assert_close(restoration.see(crop, photo), restoration.see(photo)[..., 10:60, :30])
    assert not torch.allclose(restoration.see(crop), restoration.see(crop, photo), atol=0.05)


def test_conditions_are_read_off_what_is_seen_of_the_view() -> None:
    photo = _photo(80, 90)
    restoration = _with(before=(BALANCE,), view=16)
    assert restoration.view == 16
    seen = restoration.see(view_of(photo, 16))
    assert torch.equal(restoration.read(photo).stacked(), restoration.student.read(seen).stacked())
    parts = restoration.student.decompose(seen)
    assert torch.equal(restoration.look(photo, parts), restoration.look(photo))


@pytest.mark.parametrize(
    "config",
    [
        RestorationConfig(),
        RestorationConfig(
            student=StudentConfig(steps=3, method="heun", start="mean", flow=False),
            before=(BalanceConfig(pull=0.4),),
            after=(
                ExposureConfig(trust=0.2, source="net", mean=0.4, net=ExposureNetConfig(width=12, dropout=0.1)),
                KeepConfig(share=0.1),
                FieldOfViewConfig(),
                HueConfig(),
                FloorConfig(share=0.5),
            ),
        ),
    ],
)
def test_a_config_is_read_as_it_was_written(config: RestorationConfig) -> None:
    assert RestorationConfig.read(config.written()) == config
    assert RestorationConfig.read(json.loads(json.dumps(config.written()))) == config


def test_parts_of_a_config_that_are_not_there() -> None:
    assert RestorationConfig.read({}) == RestorationConfig()
    with pytest.raises(ConfigError, match=r"^behind, floor: no such part; there are student, before and after$"):
        RestorationConfig.read({"floor": 1, "behind": [], "after": []})
    with pytest.raises(ConfigError, match=r"^student\.exposure_trust: no such setting"):
        RestorationConfig.read({"student": {"exposure_trust": 0.5}})


def _exposed(trust: float, *steps: StepConfig, **settings: object) -> tuple[Restoration, Restoration]:
    """A restoration with an exposure, behind other steps, and the same without it."""
    exposure = ExposureConfig(trust=trust, mean=0.45)
    return _with(*steps, exposure, **settings), _with(*steps, **settings)  # type: ignore[arg-type]


def test_the_mean_restoration_gets_the_expected_mean() -> None:
    exposed, _ = _exposed(0.0)
    photo = F.interpolate(_photo(5, 7), (200, 300), mode="bilinear")  # smooth: a thumbnail's mean is the photo's
    scene, codes = exposed.scene(photo), exposed.student.mean(exposed.read(photo))
    torch.testing.assert_close(exposed.restore(scene, codes).mean(), torch.tensor(0.45), atol=2e-3, rtol=0)
    assert torch.equal(_with(*exposed.config.after, start="mean")(photo), exposed.restore(scene, codes))


@pytest.mark.parametrize("trust", [0.0, 0.5])
@pytest.mark.parametrize("size", [(96, 96), (200, 130)])
def test_samples_get_one_curve_that_of_the_mean_restoration(trust: float, size: tuple[int, int]) -> None:
    exposed, bare = _exposed(trust)
    photo = _photo(*size)
    mean = exposed.student.mean(exposed.read(photo))
    scene, plain = exposed.scene(photo, mean), bare.scene(photo)
    thumbnail = view_of(photo, 96)
    small = bare.restore(bare.scene(thumbnail), mean).clamp(0, 1)
    curve = exposure_curve(small, 0.45, trust)
    assert scene.curve is not None
    torch.testing.assert_close(scene.curve, curve)
    assert abs(float(curve.log())) > 0.1
    brightness = []
    for seed in (1, 2, 3):
        codes = exposed.student.generate(exposed.read(photo), _noise(seed))
        own, sample = bare.restore(plain, codes).clamp(0, 1), exposed.restore(scene, codes)
        torch.testing.assert_close(sample, lifted(own, curve))
        assert torch.equal(exposed(photo, _noise(seed)), sample)
        brightness.append((float(own.mean()), float(sample.mean())))
    (a, b), *others = brightness
    for own, sample in others:  # how much brighter one is than another stays, as far as white is not near
        assert abs(own / a - 1) > 0.01
        assert (sample > b) is (own > a)
        assert abs(sample / b - 1) > 0.3 * abs(own / a - 1)
    again = exposed.restore(exposed.scene(photo), exposed.student.generate(exposed.read(photo), _noise(1)))
    assert not torch.allclose(again, exposed(photo, _noise(1)), atol=1e-3)  # it would lose how it differs


def test_the_mean_of_the_mean_restoration_is_the_expected_one_where_samples_are_drawn_too() -> None:
    exposed, _ = _exposed(0.0)
    photo = _photo(96, 96)
    mean = exposed.student.mean(exposed.read(photo))
    restored = exposed.restore(exposed.scene(photo, mean), mean)
    torch.testing.assert_close(restored.mean(), torch.tensor(0.45), atol=1e-3, rtol=0)


def test_the_curve_is_read_behind_the_steps_that_come_before_it() -> None:
    photo = _photo(96, 96) * torch.tensor([0.3, 0.9, 0.6]).view(1, 3, 1, 1) + 0.1
    exposed, bare = _exposed(0.0, KeepConfig(share=0.6), before=(BALANCE,))
    mean = exposed.student.mean(exposed.read(photo))
    kept = bare.restore(bare.scene(photo), mean).clamp(0, 1)
    curve = exposed.scene(photo, mean).curve
    assert curve is not None
    torch.testing.assert_close(curve, exposure_curve(kept, 0.45, 0.0))
    # Hue and floor come behind it: they see the lifted image.
    behind = _with(*exposed.config.after, FloorConfig(share=0.9), before=(BALANCE,))
    assert torch.equal(behind.scene(photo, mean).curve, curve)  # type: ignore[arg-type]


def test_without_an_exposure_samples_have_no_curve() -> None:
    restoration, photo = _with(HueConfig()), _photo(30, 40)
    conditions = restoration.read(photo)
    assert restoration.mean(conditions) is None  # nobody looks at it
    exposed = _with(ExposureConfig()).mean(conditions)
    assert exposed is not None
    assert torch.equal(exposed.stacked(), restoration.student.mean(conditions).stacked())
    assert restoration.scene(photo, restoration.student.mean(restoration.read(photo))).curve is None


def test_each_photo_of_a_batch_is_restored_as_alone() -> None:
    photos = torch.cat([_photo(40, 50), _photo(40, 50, scale=1.0).flip(3)])
    steps = (KeepConfig(), ExposureConfig(source="seen"), HueConfig(), FloorConfig(), FieldOfViewConfig())
    restoration = _with(*steps, before=(BALANCE,))
    alone = torch.cat([restoration(photo[None]) for photo in photos])
    torch.testing.assert_close(restoration(photos), alone, atol=1e-5, rtol=1e-5)


def test_other_steps_around_the_same_weights() -> None:
    restoration = _with(HueConfig(), before=(BALANCE,))
    student = replace(restoration.config.student, start="mean", steps=2)
    config = RestorationConfig(student=student, after=(ExposureConfig(trust=0.2), FloorConfig()))
    changed = with_steps(restoration.train(), config)
    assert changed.config == config
    assert not changed.training
    assert list(changed.after) == ["exposure", "floor"]
    assert not changed.before
    own, there = changed.state_dict(), restoration.state_dict()
    assert own.keys() == there.keys()
    assert all(torch.equal(own[name], there[name]) for name in own)


def test_an_exposure_net_may_go_but_must_be_there_to_stay() -> None:
    step = ExposureConfig(source="net", net=ExposureNetConfig(width=4))
    netted = _with(step)
    without = with_steps(netted, replace(netted.config, after=()))
    assert not [name for name in without.state_dict() if "exposure" in name]
    trusted = with_steps(netted, replace(netted.config, after=(replace(step, trust=0.9), HueConfig())))
    assert torch.equal(
        trusted.state_dict()["after.exposure.net.output.weight"],
        netted.state_dict()["after.exposure.net.output.weight"],
    )
    with pytest.raises(ConfigError) as caught:
        with_steps(without, netted.config)
    assert str(caught.value).startswith("after: after.exposure.net.")
    assert str(caught.value).endswith("has no weights here; train it (`restorect train`)")
    assert "\n" not in str(caught.value)


def test_weights_start_from_those_of_the_same_name_and_shape() -> None:
    netted = _with(ExposureConfig(source="net", net=ExposureNetConfig(width=4)))
    bare, other = _with(), Restoration(netted.config)
    start_from(other, bare)
    for name, tensor in bare.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name
    wide = Restoration(replace(netted.config, after=(ExposureConfig(source="net", net=ExposureNetConfig(width=6)),)))
    before = {name: tensor.clone() for name, tensor in wide.after.state_dict().items()}
    start_from(wide, netted)
    after = wide.after.state_dict()
    assert torch.equal(after["exposure.net.body.0.weight"], before["exposure.net.body.0.weight"])  # another shape
    assert torch.equal(after["exposure.net.output.bias"], netted.after.state_dict()["exposure.net.output.bias"])
