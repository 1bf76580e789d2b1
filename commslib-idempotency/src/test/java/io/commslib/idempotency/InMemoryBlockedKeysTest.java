package io.commslib.idempotency;

import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.messaging.BlockedKeyStore;

class InMemoryBlockedKeysTest extends BlockedKeysContract {

  private final BlockedKeyStore store = new InMemoryBlockedKeyStore();

  @Override
  protected BlockedKeyStore store() {
    return store;
  }
}
