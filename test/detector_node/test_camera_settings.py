# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameters with a value for each camera or for each label: what they become, and rules."""

from ncs_cluster_detector.detector_node.camera_settings import class_thresholds_of
from ncs_cluster_detector.detector_node.camera_settings import regions_of
from ncs_cluster_detector.detector_node.parameters import settings_of
from ncs_cluster_detector.detector_node.parameters import validate_combination
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.networks.region import WHOLE
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.policy.settings import Settings
import pytest

LABELS = ('background', 'person', 'car', 'a:b', 'a')
TWO = {'cameras': ['front', 'rear']}


def values(**changed):
    """Return the defaults and some changes, each as its parameter accepts it."""
    specs = {spec.name: spec for spec in PARAMETERS}
    return {name: spec.default for name, spec in specs.items()} | {'driver': 'simulated'} | {
        name: specs[name].accept(value) for name, value in changed.items()}


def refusal(**changed):
    """Return why these values are refused; the rules are those of a live change."""
    with pytest.raises(ValueError) as error:
        validate_combination(values(**changed), LABELS)
    text = str(error.value)
    assert '\n' not in text
    return text


@pytest.mark.parametrize('changed', [
    {}, {'camera_weights': []}, {'camera_weights': ['']}, {'camera_weights': [3]},
    {'camera_max_fps': [0.0]}, {'camera_regions': ['0,0,1,1']}, {'camera_regions': ['']},
    {**TWO}, {**TWO, 'camera_weights': [1, 0.0]}, {**TWO, 'camera_max_fps': [5.0, 0.0]},
    {**TWO, 'camera_regions': ['', '0,0,0.5,1']}, {'class_thresholds': ['']},
    {'class_thresholds': ['car:0', 'person:1']}])
def test_values_that_fit_are_accepted(changed):
    validate_combination(values(**changed), LABELS)


@pytest.mark.parametrize('parameter, one', [
    ('camera_weights', 1.0), ('camera_max_fps', 5.0), ('camera_regions', '0,0,1,1')])
@pytest.mark.parametrize('cameras, count', [
    ([''], 2), (['front', 'rear'], 1), (['front', 'rear'], 3), (['front'], 2)])
def test_there_is_one_value_per_camera_or_none(parameter, one, cameras, count):
    assert refusal(cameras=cameras, **{parameter: [one] * count}) == (
        f'{parameter}={[one] * count}: must have one value per camera (cameras={cameras}); give '
        f'{len(cameras)}, or none for the default')
    validate_combination(
        values(cameras=cameras, **{parameter: [one] * len(cameras)}), LABELS)


@pytest.mark.parametrize('texts, regions', [
    ([], ()), (['0.25,0,0.5,1'], (Region(0.25, 0.0, 0.5, 1.0),)),
    (['', '0,0,1,0.5'], (WHOLE, Region(0.0, 0.0, 1.0, 0.5)))])
def test_texts_become_regions(texts, regions):
    assert regions_of({'camera_regions': texts}) == regions


@pytest.mark.parametrize('text, rule', [
    ('0,0,1', "must be four numbers 'x,y,w,h'; use for example '0.25,0,0.5,1'"),
    ('0.5,0,0.6,1', 'must lie in the picture: x and y from 0, w and h above 0, x+w and y+h up to '
     "1; the whole picture is '0,0,1,1'")])
def test_a_wrong_region_is_named(text, rule):
    given = ['0,0,1,1', text]
    assert refusal(**TWO, camera_regions=given) == f"camera_regions={given}: '{text}' {rule}"


@pytest.mark.parametrize('texts, thresholds', [
    ([], ()), ([''], ()), (['car:0.7'], (('car', 0.7),)),
    (['car:0', 'person:1'], (('car', 0.0), ('person', 1.0))), (['car:5e-1'], (('car', 0.5),)),
    # The last colon counts: a label may hold some.
    (['a:b:0.3', 'a:0.4'], (('a:b', 0.3), ('a', 0.4)))])
def test_texts_become_thresholds(texts, thresholds):
    assert class_thresholds_of({'class_thresholds': texts}) == thresholds
    validate_combination(values(class_thresholds=texts), LABELS)


@pytest.mark.parametrize('text', [
    'car', 'car:', ':0.5', ':', '0.5', 'car:high', 'car:nan', 'car:inf', 'car:-inf', 'car:-0.1',
    'car:1.1', 'car:1.0000001', 'car:70', 'car:0.7%', 'car=0.7', 'car:0,7'])
def test_what_is_no_label_with_a_score_is_refused(text):
    assert refusal(class_thresholds=['person:0.5', text]) == (
        f"class_thresholds=['person:0.5', '{text}']: '{text}' must be a label, a colon and a "
        "score of 0 to 1; use for example 'person:0.7'")


def test_a_label_has_one_threshold():
    given = ['car:0.7', 'person:0.5', 'car:0.7']
    assert refusal(class_thresholds=given) == (
        f"class_thresholds={given}: 'car' stands there twice; keep one")


@pytest.mark.parametrize('label, hint', [
    ('Car', "did you mean 'car'?"), ('persno', "did you mean 'person'?"),
    ('giraffe', 'use labels of the graphs')])
def test_an_unknown_label_is_refused_with_the_likely_one(label, hint):
    known = f"unknown label '{label}' (known: background, person, car, a:b, a); {hint}"
    assert refusal(class_thresholds=[f'{label}:0.7']) == (
        f"class_thresholds=['{label}:0.7']: {known}")
    assert refusal(class_filter=['car', label]) == f"class_filter=['car', '{label}']: {known}"


def test_the_settings_have_a_value_for_each_camera():
    settings = settings_of(values(
        **TWO, camera_weights=[2, 0.0], camera_max_fps=[0, 7.5], enabled=False,
        camera_regions=['', '0.25,0,0.5,1'], class_thresholds=['car:0.7', '']))
    assert [settings.weight(camera) for camera in (0, 1)] == [2.0, 0.0]
    assert [settings.max_fps(camera) for camera in (0, 1)] == [0.0, 7.5]
    assert [settings.region(camera) for camera in (0, 1)] == [WHOLE, (0.25, 0.0, 0.5, 1.0)]
    assert settings.class_thresholds == (('car', 0.7),) and not settings.enabled


def test_without_values_all_cameras_are_alike():
    settings = settings_of(values(cameras=['a', 'b', 'c']))
    assert settings == Settings()
    for camera in range(3):
        assert (settings.weight(camera), settings.max_fps(camera)) == (1.0, 0.0)
        assert settings.region(camera) == WHOLE
    hash(settings)   # what is immutable can be handed to other threads


@pytest.mark.parametrize('label, score, wanted', [
    ('car', 0.7, True), ('car', 0.6999, False), ('person', 0.3, True), ('person', 0.2999, False),
    ('a', 0.6, True), ('a', 0.5999, False)])
def test_a_threshold_of_a_label_takes_the_place_of_the_common_one(label, score, wanted):
    given = {'class_thresholds': ['car:0.7', 'person:0.3'], 'score_threshold': 0.6}
    assert settings_of(values(**given)).wants(label, score) == wanted
    other = settings_of(values(**given, class_filter=['background']))
    assert not other.wants(label, score)
