// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/tare-runtime/tare/spec"
)

// Config is the configuration that the container was created from.
func (c *Container) Config() (*specs.Spec, error) {
	raw, err := c.dir.Config()
	if err != nil {
		return nil, err
	}
	return spec.Decode(c.dir.Path()+"/config.json", raw)
}
