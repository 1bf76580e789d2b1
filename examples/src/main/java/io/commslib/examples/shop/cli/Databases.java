package io.commslib.examples.shop.cli;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool;
import io.commslib.core.StoreException;
import io.commslib.jdbc.JdbcDatabase;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * A pool and a schema for each service: H2 with a file per service, or PostgreSQL with a schema per
 * service.
 */
final class Databases implements AutoCloseable {

  private static final int POOL_SIZE = 16;

  private final Function<String, String> urls;
  private final String user;
  private final String password;
  private final Map<String, JdbcDatabase> databases = new ConcurrentHashMap<>();
  private final Map<String, HikariDataSource> pools = new ConcurrentHashMap<>();

  private Databases(Function<String, String> urls, String user, String password) {
    this.urls = urls;
    this.user = user;
    this.password = password;
  }

  static Databases h2(Path folder) {
    // The async file system, since an interrupted handler would otherwise close the file for all
    // users.
    return new Databases(
        service -> "jdbc:h2:async:" + folder.resolve(service).toAbsolutePath() + ";WRITE_DELAY=0",
        "sa",
        "");
  }

  static Databases postgres(String url, String user, String password) {
    return new Databases(service -> url, user, password);
  }

  /** Returns a service's database; throws {@link UsageException} if it can't be reached. */
  JdbcDatabase of(String service) {
    return databases.computeIfAbsent(service, this::open);
  }

  private JdbcDatabase open(String service) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(urls.apply(service));
    if (!user.isEmpty()) {
      config.setUsername(user);
      config.setPassword(password);
    }
    config.setMaximumPoolSize(POOL_SIZE);
    config.setConnectionTimeout(5_000);
    config.setInitializationFailTimeout(5_000);
    config.setPoolName("shop-" + service);
    try {
      HikariDataSource pool = new HikariDataSource(config);
      pools.put(service, pool);
      return JdbcDatabase.builder(pool).schema("shop_" + service).build();
    } catch (HikariPool.PoolInitializationException | StoreException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new UsageException(
          "can't reach the database "
              + withoutSecrets(config.getJdbcUrl())
              + ": "
              + firstLine(cause)
              + "; check --jdbc, or omit it to start a server");
    } catch (RuntimeException e) {
      throw new UsageException(
          "can't use the database "
              + withoutSecrets(config.getJdbcUrl())
              + ": "
              + firstLine(e)
              + "; check --jdbc");
    }
  }

  private static String withoutSecrets(String url) {
    int parameters = url.indexOf('?');
    return parameters < 0 ? url : url.substring(0, parameters);
  }

  private static String firstLine(Throwable failure) {
    return String.valueOf(failure.getMessage())
        .lines()
        .findFirst()
        .orElse(failure.getClass().getSimpleName());
  }

  @Override
  public void close() {
    pools.values().forEach(HikariDataSource::close);
  }
}
