"""base-cpu-pydeps: numpy that computes, pydantic that validates, FastAPI behind uvicorn that answers."""

import json
import threading
import time
import urllib.request

import fastapi
import numpy
import pydantic
import uvicorn


def test_linear_algebra_is_right() -> None:
    matrix = numpy.array([[4.0, 1.0], [2.0, 3.0]])
    solved = numpy.linalg.solve(matrix, numpy.array([1.0, 2.0]))
    assert numpy.allclose(solved, [0.1, 0.6]), solved
    values = sorted(numpy.linalg.eigvals(matrix))
    assert numpy.allclose(values, [2.0, 5.0]), values
    large = numpy.arange(250_000, dtype=numpy.float64).reshape(500, 500) / 1000
    assert numpy.allclose(large @ numpy.eye(500), large)


def test_fourier_transforms_come_back() -> None:
    wave = numpy.sin(2 * numpy.pi * 5 * numpy.arange(64) / 64)
    spectrum = numpy.abs(numpy.fft.rfft(wave))
    assert spectrum.argmax() == 5, spectrum
    assert numpy.allclose(numpy.fft.irfft(numpy.fft.rfft(wave)), wave)


def test_random_numbers_follow_their_seed() -> None:
    drawn = numpy.random.Generator(numpy.random.PCG64(7)).integers(0, 1000, 5).tolist()
    again = numpy.random.Generator(numpy.random.PCG64(7)).integers(0, 1000, 5).tolist()
    mean = float(numpy.random.Generator(numpy.random.PCG64(7)).random(100_000).mean())
    assert drawn == again, (drawn, again)
    assert abs(mean - 0.5) < 0.01, mean


def test_input_is_validated() -> None:
    class Row(pydantic.BaseModel):
        port: int = pydantic.Field(ge=1, le=65535)

    assert Row(port=7200).port == 7200
    try:
        Row(port=70000)
    except pydantic.ValidationError as error:
        assert error.errors()[0]["loc"] == ("port",), error
    else:
        raise AssertionError("a port of 70000 was taken")


def test_an_application_answers() -> None:
    app = fastapi.FastAPI()

    @app.get("/add")
    def add(left: int, right: int) -> dict[str, int]:
        return {"sum": left + right}

    server = uvicorn.Server(uvicorn.Config(app, port=8123, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    with urllib.request.urlopen("http://127.0.0.1:8123/add?left=2&right=40") as answer:
        found = json.load(answer)
    server.should_exit = True
    assert found == {"sum": 42}, found
