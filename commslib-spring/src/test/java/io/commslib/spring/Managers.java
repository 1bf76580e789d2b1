package io.commslib.spring;

import jakarta.persistence.EntityManagerFactory;
import java.util.Map;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.orm.jpa.vendor.HibernateJpaVendorAdapter;
import org.springframework.transaction.PlatformTransactionManager;

/** Spring's transaction managers over one data source. */
enum Managers {
  /** The manager for plain JDBC. */
  JDBC {
    @Override
    PlatformTransactionManager on(DataSource dataSource) {
      return new DataSourceTransactionManager(dataSource);
    }
  },
  /** The manager for JPA, over Hibernate. */
  JPA {
    @Override
    PlatformTransactionManager on(DataSource dataSource) {
      JpaTransactionManager manager = new JpaTransactionManager(entities(dataSource));
      manager.setDataSource(dataSource);
      return manager;
    }
  };

  abstract PlatformTransactionManager on(DataSource dataSource);

  static EntityManagerFactory entities(DataSource dataSource) {
    LocalContainerEntityManagerFactoryBean factory = new LocalContainerEntityManagerFactoryBean();
    factory.setDataSource(dataSource);
    factory.setJpaVendorAdapter(new HibernateJpaVendorAdapter());
    factory.setPackagesToScan(Managers.class.getPackageName());
    factory.setJpaPropertyMap(Map.of("hibernate.hbm2ddl.auto", "update"));
    factory.afterPropertiesSet();
    EntityManagerFactory entities = factory.getObject();
    if (entities == null) {
      throw new IllegalStateException("no entity manager factory");
    }
    return entities;
  }
}
