// SPDX-License-Identifier: Apache-2.0

// Package engines tests the runtime under the engines that call it: podman and containerd, from
// the distribution, each with state of its own in a temporary directory and nothing of the
// network. It has tests only.
//
// TARE names the runtime to test; without it, tare is built.
package engines
