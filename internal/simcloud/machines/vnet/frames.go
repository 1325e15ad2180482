package vnet

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// maxFrame is the largest frame that QEMU sends over a stream (NET_BUFSIZE in its
// net/net.h: 4096 + 65536).
const maxFrame = 4096 + 65536

// readFrame reads one Ethernet frame from a stream of QEMU's: 4 bytes of length,
// most significant first, and the frame (QEMU, net/stream.c). The frame is valid
// until the next call with the same buffer.
func readFrame(r *bufio.Reader, buffer []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n > len(buffer) {
		return nil, fmt.Errorf("a frame of %d bytes, more than %d", n, len(buffer))
	}
	_, err := io.ReadFull(r, buffer[:n])
	return buffer[:n], err
}

// writeFrame writes one frame in the same form, with one write.
func writeFrame(w io.Writer, frame []byte) error {
	out := make([]byte, 4+len(frame))
	binary.BigEndian.PutUint32(out, uint32(len(frame)))
	copy(out[4:], frame)
	_, err := w.Write(out)
	return err
}
