package engine

// ReleaseStuck lets stuck actions go on, as when the vendor's staff have
// helped: they end after their usual time. It answers how many there were.
func (e *Engine) ReleaseStuck() (int, error) {
	released := 0
	err := e.Do(func(tx *Tx) error {
		for id, row := range e.tables[Actions.name].rows {
			if a := row.(*Action); a.Stuck && a.Status == Running {
				tx.edit(Actions, id).(*Action).Stuck = false
				released++
			}
		}
		return nil
	})
	return released, err
}
