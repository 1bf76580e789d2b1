package io.commslib.examples.shop.platform;

import io.commslib.http.ServiceCall;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;

/**
 * Numbers and logs the requests of a service, as {@link CountedOutbox} does with its messages. A
 * request that is made again keeps its number.
 */
public final class CountedRequests {

  /** Header: id, service, number and key of a request. */
  static final String SENT = "X-Shop-Sent";

  private final String service;
  private final JdbcTransactionRunner transactions;
  private final SentLog log;
  private final ShopSql sql;

  CountedRequests(String service, JdbcDatabase database, SentLog log) {
    this.service = service;
    this.transactions = JdbcTransactionRunner.create(database);
    this.log = log;
    this.sql = new ShopSql(database);
    sql.create(
        "CREATE TABLE IF NOT EXISTS @request_number (request_id varchar(200) NOT NULL PRIMARY KEY, seq bigint NOT NULL)");
  }

  /** Returns a call with the header that the check needs. */
  public ServiceCall counted(ServiceCall call, String operation, String id, String key) {
    long seq =
        transactions.run(
            tx ->
                sql.number(tx, "SELECT seq FROM @request_number WHERE request_id = ?", id)
                    .orElseGet(
                        () -> {
                          long number = log.add(tx, id, operation, key);
                          sql.update(
                              tx,
                              "INSERT INTO @request_number (request_id, seq) VALUES (?, ?)",
                              id,
                              number);
                          return number;
                        }));
    return call.header(SENT, String.join(" ", id, service, Long.toString(seq), key));
  }
}
