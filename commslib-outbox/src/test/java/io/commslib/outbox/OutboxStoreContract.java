package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * The rules for an outbox store and its relay, run on each database. Its chapters: writing and
 * publishing ({@link OutboxWritingContract}), failed publishes ({@link OutboxFailureContract}),
 * shard ownership ({@link OutboxOwnershipContract}), operators' work ({@link
 * OutboxOperationsContract}), upgrades ({@link OutboxUpgradeContract}), and settings that all
 * processes must agree on ({@link OutboxAgreementContract}).
 */
public abstract class OutboxStoreContract
    implements OutboxWritingContract,
        OutboxFailureContract,
        OutboxOwnershipContract,
        OutboxOperationsContract,
        OutboxUpgradeContract,
        OutboxAgreementContract {

  private final OutboxFixture fixture =
      new OutboxFixture() {
        @Override
        protected DataSource dataSource() {
          return OutboxStoreContract.this.dataSource();
        }

        @Override
        protected HikariDataSource ownPool() {
          return OutboxStoreContract.this.ownPool();
        }
      };

  /** Creates a contract. */
  protected OutboxStoreContract() {}

  @Override
  public OutboxFixture fixture() {
    return fixture;
  }

  @BeforeEach
  void freshSchema() {
    fixture.freshSchema();
  }

  @AfterEach
  void close() {
    fixture.close();
  }
}
