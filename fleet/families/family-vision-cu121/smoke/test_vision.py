"""family-vision-cu121: OpenCV with its cascades and codecs, and onnxruntime whose CUDA provider is complete."""

import ctypes
import os
from pathlib import Path

import cv2
import numpy
import onnxruntime
from card import needs_card
from numpy.typing import NDArray
from onnx_bytes import model

MODEL = model([[1.0, -1.0], [2.0, 1.0], [0.5, 0.0]], [0.5, -10.0])
ROW = numpy.array([[1.0, 2.0, 4.0]], dtype=numpy.float32)
PROVIDERS = Path(onnxruntime.__file__).parent / "capi"


def picture() -> NDArray[numpy.uint8]:
    """A grey ramp with a white square."""
    made = numpy.tile(numpy.arange(64, dtype=numpy.uint8), (48, 1))
    made[10:20, 30:40] = 255
    return numpy.repeat(made[:, :, None], 3, axis=2)


def test_pictures_are_encoded_decoded_and_resized() -> None:
    for kind in (".png", ".webp", ".bmp", ".tiff"):
        good, held = cv2.imencode(kind, picture(), [cv2.IMWRITE_WEBP_QUALITY, 101] if kind == ".webp" else [])
        assert good and numpy.array_equal(cv2.imdecode(held, cv2.IMREAD_COLOR), picture()), kind
    good, held = cv2.imencode(".jpg", picture(), [cv2.IMWRITE_JPEG_QUALITY, 95])
    difference = cv2.absdiff(cv2.imdecode(held, cv2.IMREAD_COLOR), picture())
    assert good and difference.mean() < 3, difference.mean()
    small = cv2.resize(picture(), (32, 24), interpolation=cv2.INTER_AREA)
    assert small.shape == (24, 32, 3), small.shape
    assert abs(float(small.mean()) - float(picture().mean())) < 1, small.mean()


def test_films_are_written_and_read() -> None:
    path = "/tmp/film.avi"
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(5):
        writer.write(picture())
    writer.release()
    reader, frames = cv2.VideoCapture(path, cv2.CAP_FFMPEG), 0
    while reader.read()[0]:
        frames += 1
    assert frames == 5, frames


def test_what_version_5_dropped_is_there() -> None:
    """Cascades and HOG, for which opencv-python-headless is held below 5 (ticket 0015)."""
    names = sorted(path.name for path in Path(cv2.data.haarcascades).glob("*.xml"))
    assert {"haarcascade_frontalface_default.xml", "haarcascade_eye.xml"} <= set(names), names
    for name in names:
        assert not cv2.CascadeClassifier(cv2.data.haarcascades + name).empty(), name
    faces = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    assert len(faces.detectMultiScale(cv2.cvtColor(picture(), cv2.COLOR_BGR2GRAY))) == 0
    people = cv2.HOGDescriptor()
    people.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    assert people.compute(numpy.zeros((128, 64), numpy.uint8)).size == 3780


def test_edges_and_contours_are_found() -> None:
    grey = cv2.cvtColor(picture(), cv2.COLOR_BGR2GRAY)
    _, white = cv2.threshold(grey, 200, 255, cv2.THRESH_BINARY)
    contours, _ = cv2.findContours(white, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    assert [cv2.boundingRect(contour) for contour in contours] == [(30, 10, 10, 10)]
    assert cv2.Canny(grey, 50, 150).any()


def test_a_model_runs_on_the_cpu() -> None:
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"input": ROW})
    assert found.tolist() == [[7.5, 0.0]], found


def test_the_provider_for_cards_is_offered() -> None:
    found = onnxruntime.get_available_providers()
    assert "CUDAExecutionProvider" in found, found
    build = onnxruntime.get_build_info() + str(onnxruntime.cuda_version)
    assert onnxruntime.cuda_version.startswith("12."), build


def test_the_provider_for_cards_finds_every_symbol_it_needs() -> None:
    """All but the driver, which the provider asks for only when it starts."""
    ctypes.CDLL(str(PROVIDERS / "libonnxruntime_providers_shared.so"), mode=ctypes.RTLD_GLOBAL | os.RTLD_NOW)
    ctypes.CDLL(str(PROVIDERS / "libonnxruntime_providers_cuda.so"), mode=os.RTLD_NOW)
    mapped = {line.split("/")[-1].strip() for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line}
    wanted = {"libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcudnn.so.9", "libcufft.so.11"}
    assert wanted <= mapped, wanted - mapped


def test_a_model_runs_on_the_card() -> None:
    needs_card()
    session = onnxruntime.InferenceSession(MODEL, providers=["CUDAExecutionProvider"])
    assert session.get_providers()[0] == "CUDAExecutionProvider", session.get_providers()
    (found,) = session.run(None, {"input": ROW})
    assert numpy.allclose(found, [[7.5, 0.0]], atol=1e-2), found
