package io.commslib.idempotency.heldkeys;

import io.commslib.core.inmemory.InMemoryHeldKeys;
import io.commslib.core.messaging.HeldKeys;

class InMemoryHeldKeysTest extends HeldKeysContract {

  private final HeldKeys store = new InMemoryHeldKeys();

  @Override
  protected HeldKeys store() {
    return store;
  }
}
