// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// maxWhole is the maximum size in bytes of a struct, union or array as a value.
const maxWhole = 256

// form selects how a value is read.
type form int

const (
	asNumber form = iota
	asString
	asBytes
)

// output is how to read a value.
type output struct {
	form form
	code node // the number, or the address of a string or bytes
	read int  // number of bytes to read at the address
}

// Value compiles an expression to a body that reads its value.
func Value(types Types, roots Roots, text string) (*Program, error) {
	return valueBy(&checker{types: finder{types}, roots: roots}, text)
}

// Variant is Value for one of several expressions, of which some do not compile with the types of this kernel. Its error
// suggests no similar names, since the search for them takes longer than the rest.
func Variant(types Types, roots Roots, text string) (*Program, error) {
	return valueBy(&checker{types: finder{types}, roots: roots, terse: true}, text)
}

func valueBy(c *checker, text string) (program *Program, err error) {
	roots := c.roots
	defer caught(roots, text, &err)
	root := c.operand(parse(c.types, text))
	program = c.program(root)
	program.What, program.Text, program.Notes = roots.what(), text, c.notes
	checkWidth(program.value.code)
	body, ok := value(program)
	if !ok {
		fail(0, "it is too long")
	}
	program.Body = body
	return program, nil
}

// program selects how an operand is shown: as a string, a number, or bytes.
func (c *checker) program(root operand) *Program {
	if size, ok := stringSize(root); ok {
		return &Program{Type: root.typ, Size: padded(size), String: true, value: output{asString, root.loaded().code, size}}
	}
	if _, isNumber := kindOf(root.typ); root.place && !isNumber {
		return c.bytes(root)
	}
	number := root.loaded()
	return &Program{Type: number.typ, Size: 8, value: output{form: asNumber, code: number.code}}
}

// stringSize returns the maximum size of a string in bytes, with its NUL. It returns false if the operand
// is not a string.
func stringSize(root operand) (size int, ok bool) {
	if array, ok := btf.As[*btf.Array](root.typ); ok && root.place {
		return arraySize(array), isChar(array.Type) && !root.control
	}
	target, ok := root.target()
	return maxString, ok && isChar(target)
}

// arraySize returns the size of a string in an array, with one more byte for a NUL.
func arraySize(array *btf.Array) int {
	if array.Nelems == 0 || array.Nelems >= maxString {
		return maxString
	}
	return int(array.Nelems) + 1
}

// bytes returns the program of a struct, a union or an array, whose bytes are copied.
func (c *checker) bytes(root operand) *Program {
	whole := c.types.complete(root.typ)
	if _, isFunction := whole.(*btf.FuncProto); isFunction {
		fail(root.at, "a function has no value")
	}
	size := c.size(whole, root.at)
	switch {
	case size == 0:
		fail(root.at, "%s has no size: name an element", typeName(root.typ))
	case size > maxWhole:
		fail(root.at, "%s has %d bytes, but at most %d can be shown: name a member or an element", typeName(root.typ), size, maxWhole)
	}
	return &Program{Type: root.typ, Size: padded(int(size)), value: output{asBytes, root.code, int(size)}}
}

// padded rounds up to a multiple of 8.
func padded(size int) int { return (size + 7) &^ 7 }

// value returns the body that reads one value.
func value(p *Program) (asm.Instructions, bool) {
	g := generator{}
	g.failed = g.label()
	g.emit(asm.Mov.Reg(regRoot, asm.R1), asm.Mov.Reg(regOutput, asm.R2))
	g.output(p, 0)
	g.emit(asm.Mov.Imm(regResult, 0), asm.Return())
	if g.canFail() {
		g.put(g.failed)
		g.emit(asm.Mov.Imm(regResult, 1), asm.Return())
	}
	return g.finish()
}

// canFail reports whether any instruction jumps to g.failed.
func (g *generator) canFail() bool {
	for _, j := range g.jumps {
		if j.to == g.failed {
			return true
		}
	}
	return false
}

// output reads a value into the output buffer at an offset.
func (g *generator) output(p *Program, at int) {
	switch v := p.value; v.form {
	case asNumber:
		g.evaluate(v.code)
		g.emit(asm.StoreMem(regOutput, int16(at), regResult, asm.DWord))
	case asString:
		g.clear(at, p.Size)
		g.copyTo(readString, v, at)
		g.jumpTo(whenConstant(asm.JSLT, regResult, 0), g.failed)
	case asBytes:
		g.clear(at+v.read&^7, p.Size-v.read&^7)
		g.copyTo(readKernel, v, at)
		g.must()
	}
}

// copyTo calls a helper that copies kernel memory into the output buffer.
func (g *generator) copyTo(helper asm.BuiltinFunc, v output, at int) {
	g.evaluateTo(v.code, asm.R3)
	g.emit(asm.Mov.Reg(asm.R1, regOutput), asm.Add.Imm(asm.R1, int32(at)), asm.Mov.Imm(asm.R2, int32(v.read)), helper.Call())
}

// clear zeroes bytes of the output buffer.
func (g *generator) clear(at, size int) {
	if size > 0 {
		g.emit(asm.Mov.Imm(regOther, 0))
	}
	for end := at + size; at < end; at += 8 {
		g.emit(asm.StoreMem(regOutput, int16(at), regOther, asm.DWord))
	}
}
