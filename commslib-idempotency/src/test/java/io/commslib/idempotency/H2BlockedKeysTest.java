package io.commslib.idempotency;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class H2BlockedKeysTest extends JdbcBlockedKeysContract {

  @TempDir static Path folder;

  @Override
  protected String[] login() {
    return new String[] {"jdbc:h2:file:" + folder.resolve("test") + ";WRITE_DELAY=0", "sa", ""};
  }
}
