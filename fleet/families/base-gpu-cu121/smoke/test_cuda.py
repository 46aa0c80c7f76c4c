"""base-gpu-cu121: CUDA 12.1 user space that the loader finds by name, complete but for the driver."""

import ctypes
import os
from collections.abc import Iterator

from card import capabilities, libraries, needs_card

# What cudaGetDeviceCount says where there is no driver.
INSUFFICIENT_DRIVER = 35
KERNEL = b'extern "C" __global__ void twice(float *v, int n) { int i = threadIdx.x; if (i < n) v[i] *= 2.0f; }'


def loaded(name: str) -> ctypes.CDLL:
    """A library with every symbol that it needs: what is missing is missed here, and not at its first call."""
    return ctypes.CDLL(name, mode=os.RTLD_NOW)


def test_each_library_finds_every_symbol_it_needs() -> None:
    found = libraries()
    assert len(found) >= 15, found
    for path in found:
        loaded(str(path))


def test_the_loader_finds_them_by_name_at_12_1() -> None:
    number = ctypes.c_int()
    assert loaded("libcudart.so.12").cudaRuntimeGetVersion(ctypes.byref(number)) == 0
    assert number.value == 12010, number
    major, minor = ctypes.c_int(), ctypes.c_int()
    assert loaded("libnvrtc.so.12").nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)) == 0
    assert (major.value, minor.value) == (12, 1), (major, minor)
    assert loaded("libcudnn.so.9").cudnnGetVersion() == 90100
    found = [loaded("libcublas.so.12").cublasGetProperty(part, ctypes.byref(number)) or number.value for part in (0, 1)]
    assert found == [12, 1], found
    for name, ask in (("libcufft.so.11", "cufftGetVersion"), ("libcurand.so.10", "curandGetVersion")):
        assert getattr(loaded(name), ask)(ctypes.byref(number)) == 0
        assert number.value >= 10000, (name, number)


def test_kernels_compile_for_every_card_of_the_fleet() -> None:
    sizes = {capability: len(code) for capability, code in compiled()}
    assert set(sizes) == {(8, 9), (8, 6)}, sizes
    assert all(size > 500 for size in sizes.values()), sizes


def compiled() -> Iterator[tuple[tuple[int, int], bytes]]:
    """Machine code of the kernel for each card, as NVIDIA's run-time compiler makes it without one."""
    library = loaded("libnvrtc.so.12")
    for major, minor in capabilities():
        program, size = ctypes.c_void_p(), ctypes.c_size_t()
        assert library.nvrtcCreateProgram(ctypes.byref(program), KERNEL, b"twice.cu", 0, None, None) == 0
        options = (ctypes.c_char_p * 1)(f"--gpu-architecture=sm_{major}{minor}".encode())
        assert library.nvrtcCompileProgram(program, 1, options) == 0
        assert library.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0
        code = ctypes.create_string_buffer(size.value)
        assert library.nvrtcGetCUBIN(program, code) == 0
        yield (major, minor), code.raw


def test_nothing_but_the_driver_is_missing() -> None:
    """The driver is the host's: an image that brought its own would fit one host only."""
    count = ctypes.c_int()
    code = loaded("libcudart.so.12").cudaGetDeviceCount(ctypes.byref(count))
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        assert code == INSUFFICIENT_DRIVER, code
    else:
        assert code == 0, code


def test_containers_are_given_what_computing_needs() -> None:
    assert os.environ["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"


def test_the_card_keeps_what_it_is_given() -> None:
    needs_card()
    library, here = loaded("libcudart.so.12"), ctypes.c_void_p()
    sent, back = (ctypes.c_float * 4)(1, 2, 3, 4), (ctypes.c_float * 4)()
    size = ctypes.c_size_t(ctypes.sizeof(sent))
    assert library.cudaMalloc(ctypes.byref(here), size) == 0
    assert library.cudaMemcpy(here, sent, size, 1) == 0
    assert library.cudaMemcpy(back, here, size, 2) == 0
    assert library.cudaFree(here) == 0
    assert list(back) == [1, 2, 3, 4], list(back)
