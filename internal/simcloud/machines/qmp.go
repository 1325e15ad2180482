package machines

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
)

// monitor is QEMU's control connection (the QEMU Machine Protocol): one command at a
// time; events are skipped.
type monitor struct {
	mu     sync.Mutex
	conn   net.Conn
	answer *json.Decoder
}

// openMonitor greets QEMU at its socket.
func openMonitor(path string) (*monitor, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	m := &monitor{conn: conn, answer: json.NewDecoder(bufio.NewReader(conn))}
	var greeting struct{ QMP json.RawMessage }
	err = m.answer.Decode(&greeting)
	if err == nil && greeting.QMP == nil {
		err = errors.New("what answers is not QEMU")
	}
	if err == nil {
		err = m.run("qmp_capabilities", nil)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return m, nil
}

// run executes a command and waits for its end.
func (m *monitor) run(command string, arguments any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := json.NewEncoder(m.conn).Encode(request); err != nil {
		return err
	}
	for {
		var reply struct {
			Return json.RawMessage `json:"return"`
			Error  *struct{ Class, Desc string }
		}
		if err := m.answer.Decode(&reply); err != nil {
			return err
		}
		switch {
		case reply.Error != nil:
			return fmt.Errorf("QEMU refuses %s: %s (%s)", command, reply.Error.Desc, reply.Error.Class)
		case reply.Return != nil:
			return nil
		}
	}
}

func (m *monitor) close() { _ = m.conn.Close() }
