package io.commslib.testkit.sabotage;

import io.commslib.core.messaging.BlockedKeyStore;
import java.util.List;
import java.util.OptionalInt;

/** A store that blocks no key. */
final class ForgetfulBlockedKeyStore implements BlockedKeyStore {

  @Override
  public void block(String consumer, String key, int level) {
    // That is the fault.
  }

  @Override
  public OptionalInt level(String consumer, String key) {
    return OptionalInt.empty();
  }

  @Override
  public boolean release(String consumer, String key) {
    return false;
  }

  @Override
  public List<String> list(String consumer, int limit) {
    return List.of();
  }
}
