"""What a run would take: parameters, memory, operations, hours, before a weight is read or a card is paid for.

    encoder -> model without memory -> parameters, operations and kept activations of a micro-batch    counted.py, by the passes themselves
    mixture -> contents of a step, their tokens                                                          contents.py
    both, optimizer, device -> Plan -> table                                                             plan.py, table.py

The forward and backward passes that training runs are run on torch's meta device, where tensors have shapes and no memory: what is
counted is what the code does, for any family, and not a formula beside it.
"""
