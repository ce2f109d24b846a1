// SPDX-License-Identifier: Apache-2.0

// The life of a process that does nothing.
int main(void) { return 0; }
