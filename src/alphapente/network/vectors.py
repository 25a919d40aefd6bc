"""Vector types and operations for compiled kernels: instructions that numba does not generate from loops by itself.

Each type is an LLVM vector, for which LLVM uses the registers of the present processor: two of AVX2, one of AVX512 or
four of NEON for 16 floats. So one source serves all of them. Kernels keep vectors in local variables; the functions
below work only in compiled code.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

LANES = 16
"""Numbers in a vector; in a vector of pairs, the number of pairs.

`load_half` and `spread_half` make vectors of half the length, for loops whose variables would not fit the registers of
AVX2 otherwise.
"""


class _Vector(types.Type):
    """A numba type whose value is an LLVM vector."""

    def __init__(self, name: str, element: Any, lanes: int) -> None:
        self.vector = ir.VectorType(element, lanes)
        super().__init__(name=f"vector({name} x {lanes})")


_INT16, _INT32, _FLOAT32 = ir.IntType(16), ir.IntType(32), ir.FloatType()
_Int16s = _Vector("int16", _INT16, LANES)
_Pairs = _Vector("pairs of int16", _INT16, 2 * LANES)
_Int32s = _Vector("int32", _INT32, LANES)
_Float32s = _Vector("float32", _FLOAT32, LANES)
_Half = _Vector("float32", _FLOAT32, LANES // 2)
_OF_DTYPE = {types.int16: _Int16s, types.int32: _Int32s, types.float32: _Float32s}


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: _Vector) -> None:
        super().__init__(manager, kind, kind.vector)


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any, kind: Any) -> Any:
    """The address of element `arguments[1]` of the contiguous array `arguments[0]`, as a pointer to `kind`."""
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), kind.as_pointer())


def _spread(builder: Any, scalar: Any, kind: Any) -> Any:
    """A vector of `kind` with the same scalar in all lanes."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INT32, kind.count), None))


@intrinsic
def load(_context: Any, array: Any, _index: Any) -> Any:
    """The LANES elements of a flat array (int16, int32 or float32) from `index` on."""
    kind = _OF_DTYPE[array.dtype]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, arguments, kind.vector), align=2)

    return kind(array, types.intp), generate


@intrinsic
def load_half(_context: Any, array: Any, _index: Any) -> Any:
    """The LANES // 2 elements of a flat float32 array from `index` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, arguments, _Half.vector), align=2)

    return _Half(array, types.intp), generate


@intrinsic
def store(_context: Any, array: Any, _index: Any, vector: Any) -> Any:
    """Writes a vector to the elements of a flat array of its type from `index` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _pointer(context, builder, signature, arguments, signature.args[2].vector), align=2)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def load_pairs(_context: Any, array: Any, _index: Any) -> Any:
    """The LANES pairs of a flat int16 array from element `index` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, arguments, _Pairs.vector), align=2)

    return _Pairs(array, types.intp), generate


@intrinsic
def spread_pair(_context: Any, array: Any, _index: Any) -> Any:
    """The two elements of a flat int16 array at `index`, as LANES equal pairs."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pair = builder.load(_pointer(context, builder, signature, arguments, _INT32), align=2)
        return builder.bitcast(_spread(builder, pair, _Int32s.vector), _Pairs.vector)

    return _Pairs(array, types.intp), generate


@intrinsic
def spread(_context: Any, scalar: Any) -> Any:
    """A scalar (int16, int32 or float32) in all lanes."""
    kind = _OF_DTYPE[scalar]

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _spread(builder, arguments[0], kind.vector)

    return kind(scalar), generate


@intrinsic
def spread_half(_context: Any, scalar: Any) -> Any:
    """A float32 in all lanes of half a vector."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _spread(builder, arguments[0], _Half.vector)

    return _Half(scalar), generate


@intrinsic
def add(_context: Any, one: Any, _other: Any) -> Any:
    """The sums, lane by lane."""

    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        floating = signature.return_type.vector.element == _FLOAT32
        return builder.fadd(*arguments, flags=("contract",)) if floating else builder.add(*arguments)

    return one(one, one), generate


@intrinsic
def subtract(_context: Any, one: Any, _other: Any) -> Any:
    """The differences of float32, lane by lane."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fsub(*arguments, flags=("contract",))

    return one(one, one), generate


@intrinsic
def multiply(_context: Any, one: Any, _other: Any) -> Any:
    """The products of float32, lane by lane; together with `add` one instruction (FMA) if the processor has it."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fmul(*arguments, flags=("contract",))

    return one(one, one), generate


@intrinsic
def multiply_high(_context: Any, one: Any, _other: Any) -> Any:
    """The upper 16 bits of the products of int16: one * other / 65,536, rounded down."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        wide = _Int32s.vector
        product = builder.mul(*(builder.sext(argument, wide) for argument in arguments))
        return builder.trunc(builder.ashr(product, ir.Constant(wide, [16] * LANES)), _Int16s.vector)

    return one(one, one), generate


@intrinsic
def multiply_pairs(_context: Any, one: Any, _other: Any) -> Any:
    """int32, one for each pair: the dot product of the two pairs."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        wide = ir.VectorType(_INT32, 2 * LANES)
        product = builder.mul(*(builder.sext(argument, wide) for argument in arguments))
        undefined = ir.Constant(wide, ir.Undefined)
        halves = (
            builder.shuffle_vector(product, undefined, ir.Constant(_Int32s.vector, list(range(first, 2 * LANES, 2))))
            for first in (0, 1)
        )
        return builder.add(*halves)

    return _Int32s(one, one), generate


@intrinsic
def larger(_context: Any, one: Any, _other: Any) -> Any:
    """The maxima, lane by lane."""

    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        compare = builder.fcmp_ordered if signature.return_type.vector.element == _FLOAT32 else builder.icmp_signed
        return builder.select(compare(">", *arguments), *arguments)

    return one(one, one), generate


@intrinsic
def relu(_context: Any, one: Any) -> Any:
    """The positive elements, 0 for the others."""

    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zero = ir.Constant(signature.return_type.vector, None)
        compare = builder.fcmp_ordered if signature.return_type.vector.element == _FLOAT32 else builder.icmp_signed
        return builder.select(compare(">", arguments[0], zero), arguments[0], zero)

    return one(one), generate


@intrinsic
def where_larger(_context: Any, one: Any, _other: Any, _value: Any) -> Any:
    """The float32 of `value` in the lanes where `one` is larger than `other`, 0 in the others."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        one, other, value = arguments
        return builder.select(builder.fcmp_ordered(">", one, other), value, ir.Constant(value.type, None))

    return one(one, one, one), generate


@intrinsic
def widened(_context: Any, one: Any) -> Any:
    """int16 as int32."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.sext(arguments[0], _Int32s.vector)

    return _Int32s(one), generate


@intrinsic
def as_float(_context: Any, one: Any) -> Any:
    """int32 as float32."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.sitofp(arguments[0], _Float32s.vector)

    return _Float32s(one), generate


@intrinsic
def total(_context: Any, one: Any) -> Any:
    """The sum of all lanes of a float32 vector."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        vector = arguments[0]
        width = LANES
        while width > 1:
            half = ir.VectorType(_FLOAT32, width // 2)
            undefined = ir.Constant(vector.type, ir.Undefined)
            parts = (
                builder.shuffle_vector(
                    vector,
                    undefined,
                    ir.Constant(ir.VectorType(_INT32, half.count), list(range(first, first + half.count))),
                )
                for first in (0, half.count)
            )
            vector, width = builder.fadd(*parts), width // 2
        return builder.extract_element(vector, ir.Constant(_INT32, 0))

    return types.float32(one), generate
