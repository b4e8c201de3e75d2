"""How much memory and time the child that reads a workbook may take."""

import resource

MEMORY_BYTES = 640 * 1024 * 1024  # address space; what it really uses stays far below
CPU_SECONDS = 600


def limit_this_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
