"""The program: reads settings, wires the parts, starts and stops them. No rules of its own."""
